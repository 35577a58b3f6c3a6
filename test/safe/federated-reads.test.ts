import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DevSpire } from '../devcluster/spire.ts';
import { OtherCluster } from '../stage/other-cluster.ts';
import { clientFor, failure, safeLike, SCOUT, sourceOf } from './harness.ts';

/** Both SPIREs, the other cluster's Safe, the agent's real identity source, and a client. */
async function chain() {
  await using started = new AsyncDisposableStack();
  const spire = started.use(await DevSpire.start());
  const other = await OtherCluster.start({ authority: spire.authority });
  started.defer(() => other.close());
  await spire.register(SCOUT);
  other.federate(spire);
  const { source, changed } = sourceOf(spire.socket);
  const idPattern =
    /^spiffe:\/\/b\.example\/workload\/vsecm-safe\/ns\/vsecm-system\/sa\/vsecm-safe\/n\/[^/]+$/;
  const safes = { at: (dial: string) => safeLike(dial, { trustDomain: 'b.example', idPattern }) };
  const { client } = clientFor(source, { safes });
  started.defer(() => client.close());
  const stop = new AbortController();
  const obtained = changed();
  const running = source.run(stop.signal);
  started.defer(async () => {
    stop.abort();
    await running;
  });
  await obtained;
  const resources = started.move();
  return { spire, other, source, client, changed, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

test('roots of both trust domains rotate while a Safe elsewhere is read all the time: no read is lost', async () => {
  await using all = await chain();
  const { spire, other, client, source, changed } = all;
  const { dial } = other.safe;
  const enough = new AbortController();
  let reads = 0;
  const readers = Array.from({ length: 3 }, async () => {
    while (!enough.signal.aborted) {
      // One raw: secret, the placeholder, is served without its name.
      assert.equal((await client.read(dial)).answer.kind, 'unnamed');
      reads += 1;
    }
  });
  for (let turn = 0; turn < 8; turn += 1) {
    await other.safe.whenRead(other.safe.reads.length + 3);
    // As SPIRE does: the next root is known everywhere before it signs.
    const known = changed();
    await other.authority.prepare();
    await known;
    other.authority.activate();
    await other.safe.renew();
    if (turn % 3 === 1) await spire.rotateCa();
  }
  enough.abort();
  await Promise.all(readers);
  assert.ok(reads >= 24, `${reads} reads`);
  assert.deepEqual(other.safe.refused, []);
  assert.equal(source.current().federated.get('b.example')?.pem.length, 9);
});

test('a federation that is withdrawn ends each read under way, and one that comes back serves the next', async () => {
  await using all = await chain();
  const { spire, other, client, changed } = all;
  const { dial } = other.safe;
  other.safe.fault = () => {};
  const reading = [1, 2, 3].map(() => failure(client.read(dial)));
  await other.safe.whenRead(3);
  const gone = changed();
  other.unfederate(spire);
  await gone;
  assert.deepEqual(
    (await Promise.all(reading)).map(({ code }) => code),
    Array<string>(3).fill('TrustDomainNotFederated'),
  );
  assert.equal(await other.safe.connections(), 0);
  assert.equal((await failure(client.read(dial))).code, 'TrustDomainNotFederated');
  assert.equal(other.safe.reads.length, 3);
  other.safe.fault = undefined;
  const back = changed();
  other.federate(spire);
  await back;
  assert.equal((await client.read(dial)).answer.kind, 'unnamed');
});
