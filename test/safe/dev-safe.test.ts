import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { DevSafe } from '../devcluster/safe.ts';
import { SCOUT } from './harness.ts';

const READ = '/workload/v1/secrets';
const REGISTER = '/sentinel/v1/secrets';
const ONE = JSON.stringify({ workloads: ['raw:one'], value: 'v' });

async function start(t: TestContext): Promise<DevSafe> {
  const safe = await DevSafe.start();
  t.after(() => safe.close());
  return safe;
}

interface Seen {
  name: string;
  value: string;
  meta: { namespaces: string[]; template: string; Format: string };
  created: string;
  updated: string;
  notBefore: string;
  expiresAfter: string;
}

/** What the scout sees, by name. */
async function seen(safe: DevSafe): Promise<Record<string, Seen>> {
  const { body } = await safe.as(SCOUT).read();
  return Object.fromEntries((JSON.parse(JSON.parse(body).data) as Seen[]).map((one) => [one.name, one]));
}

test('paths, methods and identities that have no business get an empty 400', async (t) => {
  const safe = await start(t);
  const scout = safe.as(SCOUT);
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', `${READ}/`],
    ['PUT', READ],
    ['DELETE', READ],
    ['GET', '/nowhere'],
    ['GET', REGISTER],
    ['POST', REGISTER],
    ['DELETE', REGISTER],
  ] as const) {
    const { status, body } = await scout.send(method, path, method === 'GET' ? '' : ONE);
    assert.deepEqual([method, path, status, body], [method, path, 400, '']);
  }
  assert.equal((await safe.sentinel.read()).status, 400);
  assert.equal((await scout.send('GET', `/${READ}`)).status, 307);
  assert.equal((await scout.send('GET', `${READ}?a=b`)).status, 404);
  await assert.rejects(scout.send('POST', READ, ONE), { code: 'ECONNRESET' });
});

test("VSecM's own scout may register but not delete, another namespace's scout neither", async (t) => {
  const safe = await start(t);
  const own = safe.as('spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-system/sa/vsecm-scout/n/x');
  assert.deepEqual(
    [(await own.send('POST', REGISTER, ONE)).body, (await own.send('DELETE', REGISTER, ONE)).status],
    ['OK', 400],
  );
  const impostor = safe.as('spiffe://vsecm.com/workload/vsecm-sentinel/ns/elsewhere/sa/vsecm-sentinel/n/x');
  assert.equal((await impostor.send('POST', REGISTER, ONE)).status, 400);
  assert.equal(
    (
      await safe.sentinel.send(
        'POST',
        REGISTER,
        JSON.stringify({ workloads: ['raw:one', 'raw:two'], value: 'v' }),
      )
    ).body,
    'OKOK',
  );
  assert.equal((await safe.sentinel.delete('raw:nothing')).body, 'OK');
});

test('a client without a certificate, or one of the wrong kind, does not get past the handshake', async (t) => {
  const safe = await start(t);
  await assert.rejects(safe.as('spiffe://vsecm.com/something/else').read());
  await assert.rejects(safe.as('spiffe://vsecm.com.evil/workload/vsecm-scout/ns/a/sa/b/n/c').read());
  await assert.rejects(safe.as(SCOUT, { notAfter: Date.now() - 1000 }).read());
  assert.equal(safe.requests.length, 0);
});

test('registering again without namespaces resets them and drops template and format', async (t) => {
  const safe = await start(t);
  await safe.register({ name: 'raw:other', value: 'v' });
  await safe.register({
    name: 'raw:one',
    value: '{"a":"1"}',
    namespaces: ['team'],
    template: '{"A":"{{.a}}"}',
    format: 'json',
  });
  const before = (await seen(safe))['raw:one']!;
  await safe.register({ name: 'raw:one', value: '{"a":"1"}' });
  const after = (await seen(safe))['raw:one']!;
  assert.deepEqual(
    [before.meta.namespaces, after.meta.namespaces, after.meta.template, after.meta.Format],
    [['team'], ['default'], '', ''],
  );
  assert.equal(after.created, before.created);
  assert.ok(after.updated > before.updated);
});

test('dates that do not parse become now and never, and now lies a little before updated', async (t) => {
  const safe = await start(t);
  await safe.register({ name: 'raw:other', value: 'v' });
  await safe.register({ name: 'raw:one', value: 'v', notBefore: 'tomorrow', expires: 'soon' });
  const { notBefore, updated, expiresAfter } = (await seen(safe))['raw:one']!;
  assert.ok(notBefore.slice(0, 23) <= updated.slice(0, 23) && notBefore !== updated);
  assert.equal(expiresAfter, '9999-12-31T23:59:59.999999999Z');
});

test('an empty value is never stored, k8s: secrets and workloads are not shown', async (t) => {
  const safe = await start(t);
  await safe.sentinel.register({ name: 'raw:empty', value: '' });
  for (const name of ['k8s:x', 'app']) await safe.register({ name, value: 'v' });
  assert.equal((await safe.as(SCOUT).read()).status, 404);
});

test('the order differs from read to read', async (t) => {
  const safe = await start(t);
  for (let i = 0; i < 9; i++) await safe.register({ name: `raw:s${i}`, value: 'v' });
  const orders = new Set<string>();
  for (let i = 0; i < 9; i++) orders.add(Object.keys(await seen(safe)).join());
  assert.ok(orders.size > 1);
});

test('a long answer comes in chunks, a short one with its length', async (t) => {
  const safe = await start(t);
  await safe.register({ name: 'raw:one', value: 'v' });
  assert.ok((await safe.as(SCOUT).read()).headers['content-length']);
  await safe.register({ name: 'raw:two', value: 'v'.repeat(5000) });
  const { headers } = await safe.as(SCOUT).read();
  assert.deepEqual([headers['content-length'], headers['transfer-encoding']], [undefined, 'chunked']);
});

test('a restart loses what could not be saved, and what was registered after it', async (t) => {
  const safe = await start(t);
  for (const name of ['raw:a', 'raw:b', 'raw:x.age', 'raw:c']) await safe.register({ name, value: 'v' });
  const url = safe.url;
  assert.equal(Object.keys(await seen(safe)).length, 4);
  await safe.restart();
  assert.equal(safe.url, url);
  assert.deepEqual(Object.keys(await seen(safe)).sort(), ['raw:a', 'raw:b']);
});

test('after a restart deleted secrets and older versions can come back, others be lost', async (t) => {
  const safe = await start(t);
  for (const value of ['first', 'second']) await safe.register({ name: 'raw:a', value });
  for (const name of ['raw:b', 'raw:c', 'raw:d']) await safe.register({ name, value: 'v' });
  const before = (await seen(safe))['raw:a']!;
  await safe.sentinel.delete('raw:b');
  await safe.restart({ older: ['raw:a'], revive: ['raw:b'], lose: ['raw:c'] });
  const after = await seen(safe);
  assert.deepEqual(Object.keys(after).sort(), ['raw:a', 'raw:b', 'raw:d']);
  assert.equal(after['raw:a']?.value, 'first');
  assert.ok(after['raw:a'].updated < before.updated);
});

test('before the first read after a restart a deletion deletes nothing', async (t) => {
  const safe = await start(t);
  for (const name of ['raw:a', 'raw:b']) await safe.register({ name, value: 'v' });
  await safe.restart();
  assert.equal((await safe.sentinel.delete('raw:a')).body, 'OK');
  assert.equal(Object.keys(await seen(safe)).length, 2);
  await safe.sentinel.delete('raw:a');
  assert.equal((await safe.as(SCOUT).read()).body, '{"data":"v","created":"","updated":""}');
});

test('in manual mode everything is 400 until the root key is there; without the store it is 503', async (t) => {
  const safe = await start(t);
  await safe.register({ name: 'raw:a', value: 'v' });
  await safe.restart({ manual: true });
  const answer = async () => {
    const { status, body } = await safe.as(SCOUT).read();
    return [status, body];
  };
  assert.deepEqual(await answer(), [400, '']);
  const { status, body } = await safe.sentinel.register({ name: 'raw:b', value: 'v' });
  assert.deepEqual([status, body], [400, 'NOK!']);
  safe.giveRootKey();
  safe.storeAway = true;
  assert.deepEqual(await answer(), [503, 'NOK!']);
  safe.storeAway = false;
  assert.equal((await answer())[0], 200);
});

test('what nobody has recorded is said to be unknown instead of made up', async (t) => {
  const safe = await start(t);
  const { status } = await safe.sentinel.register({ name: 'raw:a', value: '{"a":[1]}', format: 'yaml' });
  assert.equal(status, 501);
});
