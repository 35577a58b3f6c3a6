import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { KubeError } from '../../agent/kube/error.ts';
import { readLines } from '../../agent/kube/lines.ts';

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(text: string, sizes: readonly number[], longest?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(cut(Buffer.from(text), sizes), longest)) lines.push(line);
  return lines;
}

const fails = (code: string) => (error: unknown) => error instanceof KubeError && error.code === code;

suite('lines of a stream', () => {
  test('are the same wherever the chunks end, also within a character', async () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, async (lines, chunks) => {
        const text = lines.map((each) => `${each}\n`).join('');
        assert.deepEqual(
          await read(text, chunks),
          lines.map((each) => Buffer.from(each).toString()),
        );
      }),
    );
  });

  test('may be long, but not longer than they may', async () => {
    assert.deepEqual(await read('12345678\n', [3], 8), ['12345678']);
    await assert.rejects(read('123456789\n', [3], 8), fails('TooLarge'));
    await assert.rejects(read('123456789\n', [100], 8), fails('TooLarge'));
    await assert.rejects(read('123456789', [3], 8), fails('TooLarge'));
  });

  test('that are cut off are malformed', async () => {
    await assert.rejects(read('{"a":1}\n{"b":', [4]), fails('CutOff'));
  });
});
