import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, failureOf } from './content.ts';
import { stored } from './stored-secret.ts';
import { ACCEPTED, REFUSED } from './typed-secrets.ts';

const spec = (type: string): object => ({ target: { type }, dataFrom: [{ ref: 's' }] });

test('what a type demands is taken', () => {
  for (const { type, data } of ACCEPTED) assert.deepEqual(contentOf(spec(type), stored('s', data)), data);
});

test('what the API server would refuse for its type is refused before, by the name of the key', () => {
  for (const { type, data, key } of REFUSED) {
    const failure = failureOf(() => contentOf(spec(type), stored('s', data)));
    assert.equal(failure.code, 'ValueInvalid', type);
    assert.ok(failure.message.startsWith('spec.target.type: '), failure.message);
    assert.ok(failure.message.includes(` ${key}`), failure.message);
    assert.doesNotMatch(failure.message, /s3cr3t/);
  }
});
