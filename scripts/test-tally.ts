import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestEvent } from 'node:test/reporters';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What a run came to, one JSON document; nothing of a run that did not end. */
export interface Tally {
  passed: number;
  /** Cancelled ones included. */
  failed: number;
  skipped: number;
  files: { file: string; seconds: number; ok: boolean }[];
}

/** For `--test-reporter`, into a file. */
// oxlint-disable-next-line import/no-default-export
export default async function* tally(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: Tally['files'] = [];
  for await (const { type, data } of events) {
    if (type !== 'test:summary') continue;
    const { counts, file, duration_ms, success } = data;
    if (file !== undefined)
      files.push({ file: relative(ROOT, file), seconds: Math.round(duration_ms / 100) / 10, ok: success });
    else {
      const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
      yield JSON.stringify({ passed: counts.passed, failed, skipped: counts.skipped, files } satisfies Tally);
    }
  }
}
