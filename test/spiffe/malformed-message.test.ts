import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { X509SVIDResponseSchema } from '../devcluster/spire/gen/workload_pb.ts';
import type { DevSpire } from '../devcluster/spire.ts';
import { Ca } from '../devcluster/pki.ts';
import { SCOUT, startSpire, watch } from './harness.ts';

type Message = MessageInitShape<typeof X509SVIDResponseSchema>;

const empty =
  (field: string) =>
  (spire: DevSpire): Message => ({
    svids: spire
      .message()
      .svids.map((svid) => ({ ...svid, [field]: field === 'spiffeId' ? '' : new Uint8Array() })),
  });

const MALFORMED: Record<string, (spire: DevSpire) => Message | Promise<Message>> = {
  'without any SVID': () => ({}),
  'with an empty spiffe_id': empty('spiffeId'),
  'with an empty x509_svid': empty('x509Svid'),
  'with an empty x509_svid_key': empty('x509SvidKey'),
  'with an empty bundle': empty('bundle'),
  'with an SVID that another CA signed': async (spire) => {
    const { chainDer, keyDer } = await (await Ca.create('vsecm.com')).issue({ id: SCOUT });
    return {
      svids: spire.message().svids.map((svid) => ({ ...svid, x509Svid: chainDer, x509SvidKey: keyDer })),
    };
  },
  'with a good SVID and one that is a CA': async (spire) => {
    const { chainDer, keyDer } = await spire.ca.issue({ id: SCOUT, isCa: true });
    return {
      svids: spire
        .message()
        .svids.flatMap((svid) => [svid, { ...svid, x509Svid: chainDer, x509SvidKey: keyDer }]),
    };
  },
  'with the key of another SVID': async (spire) => {
    const { keyDer } = await spire.ca.issue({ id: SCOUT });
    return { svids: spire.message().svids.map((svid) => ({ ...svid, x509SvidKey: keyDer })) };
  },
};

for (const [what, message] of Object.entries(MALFORMED)) {
  test(`a message ${what} is reported and dropped, the SVID in hand stays, the next message counts`, async (t) => {
    const spire = await startSpire(t);
    await spire.register(SCOUT);
    const { source, seen, metrics } = watch(t, { socket: spire.socket });
    await seen.whenChanges('obtained');
    const { serialNumber } = source.current();

    spire.send(await message(spire));
    await seen.whenLogged('Workload API message dropped');
    assert.equal(source.current().serialNumber, serialNumber);
    const results = (await metrics.identityUpdates.get()).values.map(({ labels, value }) => [
      labels.result,
      value,
    ]);
    assert.deepEqual(results, [
      ['received', 1],
      ['malformed', 1],
    ]);

    await spire.renew();
    await seen.whenChanges('obtained', 'rotated');
    assert.deepEqual(seen.changes, ['obtained', 'rotated']);
    assert.equal(spire.opened, 1);
  });
}

test('without an SVID in hand a malformed message is NoIdentity with the broken rule', async (t) => {
  const spire = await startSpire(t);
  spire.fault = 'silent';
  const { seen, failure } = watch(t, { socket: spire.socket });
  await spire.whenOpened(1);
  spire.send({});
  await seen.whenLogged('Workload API message dropped');
  assert.equal(failure(), 'NoIdentity message without any SVID');
});

test('bytes that are no protobuf message end the stream; the SVID in hand stays, and the next stream delivers', async (t) => {
  const spire = await startSpire(t);
  await spire.register(SCOUT);
  const { source, seen } = watch(t, { socket: spire.socket });
  await seen.whenChanges('obtained');
  const { serialNumber } = source.current();

  // Field 1 of length 3 holding a tag of an unknown wire type.
  const garbage = create(X509SVIDResponseSchema);
  garbage.$unknown = [{ no: 1, wireType: 2, data: Uint8Array.of(3, 0xff, 0xff, 0xff) }];
  spire.send(garbage);
  await spire.whenOpened(2);
  assert.equal(source.current().serialNumber, serialNumber);
  await spire.renew();
  await seen.whenChanges('obtained', 'rotated');
});
