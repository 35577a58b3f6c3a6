import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerOf, stored } from './stored-secret.ts';
import { bytesOf, failureOf } from './content.ts';

const spec = { data: [{ key: 'keystore', ref: 's.k', decode: 'Base64' }] };
const decode = (text: unknown): Buffer =>
  Buffer.from(bytesOf(spec, answerOf(stored('s', { k: text }))).get('keystore')!);

test('any bytes come back, with or without padding, in one line or in many', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = Buffer.from(bytes).toString('base64');
    const lines = `${text.match(/.{1,64}/g)?.join('\r\n') ?? ''}\n`;
    for (const form of [text, lines, text.replace(/=+$/, ''), ` \t${text}`])
      assert.deepEqual(decode(form), Buffer.from(bytes));
  });
  fc.assert(property);
});

test('what is not base64 names the key and not the value', () => {
  for (const text of [
    's3cr3t!',
    'c2VjcmV0*',
    'YQ=',
    'YQ===',
    'Y',
    'YQ=YQ=',
    'YR==',
    'YR',
    '-_-_',
    'YQ\u00a0',
    'é',
    { a: 1 },
  ]) {
    const failure = failureOf(() => decode(text));
    assert.equal(failure.code, 'ValueInvalid');
    assert.equal(
      failure.message,
      'spec.data[0]: the value for keystore cannot be stored: decode is Base64, and it is not base64 (RFC 4648: A-Z, a-z, 0-9, + and /)',
    );
  }
});

test('a number or boolean is decoded as it stands, and without decode nothing is', () => {
  assert.deepEqual([...decode(1234)], [0xd7, 0x6d, 0xf8]);
  assert.equal(decode('').length, 0);
  const data = bytesOf(
    { data: [{ key: 'a', ref: 's.k', decode: 'None' }] },
    answerOf(stored('s', { k: 'YQ==' })),
  );
  assert.equal(Buffer.from(data.get('a')!).toString(), 'YQ==');
});
