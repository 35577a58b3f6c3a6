import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { NameLookup } from '../../agent/name-lookup.ts';

const A = 1;
const AAAA = 28;

/** What a name server says of a name: addresses by family, a response code, or nothing at all. */
type Zone = Record<
  string,
  { a?: string[]; aaaa?: string[]; rcode?: number; silent?: boolean; silentAaaa?: boolean }
>;

/** A name server on a loopback port that speaks DNS; what is not in its zone does not exist. */
async function nameServer(t: TestContext, zone: Zone) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    asked.push(`${type === A ? 'A' : type === AAAA ? 'AAAA' : type} ${name}`);
    const entry = zone[name];
    if (entry?.silent || (entry?.silentAaaa && type === AAAA)) return;
    const addresses = (type === A ? entry?.a : entry?.aaaa) ?? [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | (entry === undefined ? 3 : (entry.rcode ?? 0)), 2);
    header.writeUInt16BE(addresses.length, 6);
    header.writeUInt32BE(0, 8);
    const answers = addresses.map((address) => {
      const data =
        type === A
          ? Buffer.from(address.split('.').map(Number))
          : Buffer.from(
              address
                .split(':')
                .map((part) => part.padStart(4, '0'))
                .join(''),
              'hex',
            );
      const record = Buffer.alloc(12);
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(type, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt32BE(60, 6);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { asked, server: `127.0.0.1:${socket.address().port}` };
}

async function lookup(t: TestContext, zone: Zone, more = '', hosts = '') {
  const folder = await mkdtemp(join(tmpdir(), 'names-'));
  t.after(() => rm(folder, { recursive: true }));
  const { asked, server } = await nameServer(t, zone);
  const [hostsFile, resolvFile] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  await writeFile(hostsFile, hosts);
  await writeFile(resolvFile, `# a comment\nnameserver ${server}\n${more}\n`);
  const names = new NameLookup({ clock: systemClock, hostsFile, resolvFile });
  const ask = (name: string, signal = new AbortController().signal) => names.addresses(name, signal);
  return { ask, asked, hostsFile };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'found',
    ({ code, name }: { code?: unknown; name: string }) => (typeof code === 'string' ? code : name),
  );

test('an address stands for itself, and nobody is asked', async (t) => {
  const { ask, asked } = await lookup(t, {});
  assert.deepEqual(await ask('10.0.0.7'), ['10.0.0.7']);
  assert.deepEqual(await ask('[fd00::7]'), ['fd00::7']);
  assert.deepEqual(asked, []);
});

test('the hosts file goes before DNS, in whatever case, and is read anew each time', async (t) => {
  const hosts =
    '127.0.0.2 other # safe.test\n127.0.0.3\tpod Safe.TEST alias\nfd00::3 safe.test\nnonsense safe.test\n';
  const { ask, asked, hostsFile } = await lookup(t, { 'safe.test': { a: ['10.0.0.1'] } }, '', hosts);
  assert.deepEqual(await ask('safe.test'), ['fd00::3', '127.0.0.3']);
  assert.deepEqual(await ask('SAFE.test.'), ['fd00::3', '127.0.0.3']);
  assert.deepEqual(await ask('localhost'), ['::1', '127.0.0.1']);
  assert.deepEqual(asked, []);
  await writeFile(hostsFile, '');
  assert.deepEqual(await ask('safe.test'), ['10.0.0.1']);
});

test('both families are asked for, and take turns', async (t) => {
  const { ask } = await lookup(t, {
    both: { a: ['10.0.0.1', '10.0.0.2', '10.0.0.3'], aaaa: ['fd00:0:0:0:0:0:0:1'] },
    four: { a: ['10.0.0.4'] },
    six: { aaaa: ['fd00:0:0:0:0:0:0:6'] },
  });
  assert.deepEqual([...(await ask('both'))].sort(), ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1']);
  assert.equal((await ask('both'))[0], 'fd00::1');
  assert.deepEqual(await ask('four'), ['10.0.0.4']);
  assert.deepEqual(await ask('six'), ['fd00::6']);
});

test('a name of few dots is looked for under the search list first, one of many dots last', async (t) => {
  const conf = 'search ns.svc.cluster.local svc.cluster.local. cluster.local\noptions ndots:5 timeout:1';
  const { ask, asked } = await lookup(
    t,
    { 'safe.vsecm.svc.cluster.local': { a: ['10.0.0.1'] }, 'a.b.c.d.e.f': { a: ['10.0.0.2'] } },
    conf,
  );
  const names = () => [...new Set(asked.splice(0).map((line) => line.split(' ')[1]))];
  assert.deepEqual(await ask('safe.vsecm'), ['10.0.0.1']);
  assert.deepEqual(names(), ['safe.vsecm.ns.svc.cluster.local', 'safe.vsecm.svc.cluster.local']);
  assert.deepEqual(await ask('safe.vsecm.svc.cluster.local'), ['10.0.0.1']);
  assert.deepEqual(names().at(-1), 'safe.vsecm.svc.cluster.local');
  assert.deepEqual(await ask('safe.vsecm.svc.cluster.local.'), ['10.0.0.1']);
  assert.deepEqual(names(), ['safe.vsecm.svc.cluster.local']);
  assert.deepEqual(await ask('a.b.c.d.e.f'), ['10.0.0.2']);
  assert.deepEqual(names(), ['a.b.c.d.e.f']);
});

test('a name that does not exist, has no address, or is refused, fails with what is known of it', async (t) => {
  const { ask } = await lookup(t, { empty: {}, broken: { rcode: 2 }, refused: { rcode: 5 } });
  assert.equal(await codeOf(ask('nowhere')), 'ENOTFOUND');
  assert.equal(await codeOf(ask('empty')), 'ENOTFOUND');
  assert.equal(await codeOf(ask('broken')), 'ESERVFAIL');
  assert.equal(await codeOf(ask('refused')), 'EREFUSED');
});

test('a name server that drops questions for IPv6 holds up nobody', async (t) => {
  const { ask } = await lookup(t, { safe: { a: ['10.0.0.1'], silentAaaa: true } });
  const began = performance.now();
  assert.deepEqual(await ask('safe'), ['10.0.0.1']);
  assert.ok(performance.now() - began < 1_900);
});

test('look-ups that hang are given up at once, and hold up no other, however many they are', async (t) => {
  const { ask, asked } = await lookup(t, {
    ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`dead${index}`, { silent: true }])),
    safe: { a: ['10.0.0.1'] },
  });
  const stop = new AbortController();
  const dead = Array.from({ length: 20 }, (_, index) => codeOf(ask(`dead${index}`, stop.signal)));
  assert.deepEqual(await ask('safe'), ['10.0.0.1']);
  while (new Set(asked).size < 42) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  assert.deepEqual(new Set(await Promise.all(dead)), new Set(['AbortError']));
});

test('a look-up that is given up beforehand asks nobody', async (t) => {
  const { ask, asked } = await lookup(t, {});
  assert.equal(await codeOf(ask('safe', AbortSignal.abort())), 'AbortError');
  assert.deepEqual(asked, []);
});

test('where the files cannot be read the system is asked', async () => {
  const names = new NameLookup({ clock: systemClock, hostsFile: '/nowhere/hosts' });
  const found = await names.addresses('localhost', new AbortController().signal);
  assert.ok(found.includes('127.0.0.1') || found.includes('::1'));
});
