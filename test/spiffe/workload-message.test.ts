import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { GrpcError } from '../../agent/spiffe/grpc-stream.ts';
import { decodeX509SVIDResponse } from '../../agent/spiffe/workload-message.ts';
import { X509SVIDResponseSchema } from '../devcluster/spire/gen/workload_pb.ts';

const text = fc.string({ unit: 'grapheme' });
const bytes = fc.uint8Array({ maxLength: 300 });
const messages = fc.record({
  svids: fc.array(
    fc.record({ spiffeId: text, x509Svid: bytes, x509SvidKey: bytes, bundle: bytes, hint: text }),
    { maxLength: 3 },
  ),
  crl: fc.array(bytes, { maxLength: 2 }),
  federatedBundles: fc.dictionary(text, bytes, { maxKeys: 3 }),
});

test('a message is read as protobuf’s own library wrote it', () => {
  fc.assert(
    fc.property(messages, ({ svids, crl, federatedBundles }) => {
      const sent = create(X509SVIDResponseSchema, { svids, crl, federatedBundles });
      // A field that is not known, of each wire type.
      sent.$unknown = [
        { no: 9, wireType: 0, data: Uint8Array.of(0xff, 0x01) },
        { no: 10, wireType: 1, data: new Uint8Array(8) },
        { no: 11, wireType: 2, data: Uint8Array.of(2, 1, 1) },
        { no: 12, wireType: 5, data: new Uint8Array(4) },
      ];
      assert.deepEqual(decodeX509SVIDResponse(toBinary(X509SVIDResponseSchema, sent)), {
        svids: svids.map(({ hint: _, ...svid }) => svid),
        federatedBundles: { ...federatedBundles },
      });
    }),
  );
});

test('bytes of any kind are a message or Internal, and never read beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (some) => {
      try {
        decodeX509SVIDResponse(some);
      } catch (error) {
        assert.ok(error instanceof GrpcError && error.code === 'Internal');
      }
    }),
  );
});
