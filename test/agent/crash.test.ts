import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashFields } from '../../agent/crash.ts';

function thrown(): Error {
  try {
    return JSON.parse('{"a":\n    at s3cret}');
  } catch (error) {
    return error as Error;
  }
}

test('an unexpected error is told by its class and by where it was thrown, never by its message', () => {
  const fields = crashFields(thrown());
  assert.equal(fields.cause, 'SyntaxError');
  assert.ok(fields.frames?.some((frame) => frame.includes('crash.test.ts')));
  assert.doesNotMatch(JSON.stringify(fields), /s3c|Unexpected/);
});

test('a message whose lines look like frames is not told either', () => {
  const error = new Error('first line\n    at s3cret (value.js:1:1)');
  assert.doesNotMatch(JSON.stringify(crashFields(error)), /s3cret/);
  error.stack = `Error: ${error.message}`;
  assert.deepEqual(crashFields(error), { cause: 'Error', frames: [] });
});

test('the code of a system error says more than its class', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' });
  assert.equal(crashFields(error).cause, 'ECONNREFUSED');
});

test('what is thrown and is no error is told by its type alone', () => {
  assert.deepEqual(crashFields('s3cret'), { cause: 'string' });
  assert.deepEqual(crashFields(undefined), { cause: 'undefined' });
});

test('an error without a stack has no frames', () => {
  const error = new Error('s3cret');
  delete error.stack;
  assert.deepEqual(crashFields(error), { cause: 'Error', frames: [] });
});

test('a deep stack is cut', () => {
  const deep = (left: number): Error => (left === 0 ? new Error('x') : deep(left - 1));
  assert.ok(crashFields(deep(30)).frames!.length <= 12);
});
