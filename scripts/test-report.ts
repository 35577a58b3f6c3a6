import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Of one failure. */
const MOST_LINES = 40;

/**
 * What a person reads of a run: what failed, with what its file printed, and which tests were skipped, by reason. A run
 * in which all is well is a few lines. For `--test-reporter`.
 */
// oxlint-disable-next-line import/no-default-export
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const printed = new Map<string, string>();
  const skipped = new Map<string, number>();
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr')
      printed.set(data.file, (printed.get(data.file) ?? '') + data.message);
    if (type === 'test:fail') {
      const { cause, failureType } = data.details.error as Error & { failureType?: string };
      // Told below it.
      if (failureType === 'subtestsFailed') continue;
      yield `✖ ${named(data.file)}: ${data.name} (${Math.round(data.details.duration_ms)} ms)\n${indented(told(cause))}\n`;
    }
    if (type === 'test:pass' && data.skip !== undefined && data.skip !== false) {
      const why = typeof data.skip === 'string' ? data.skip : 'no reason given';
      skipped.set(why, (skipped.get(why) ?? 0) + 1);
    }
    if (type === 'test:summary' && data.file !== undefined) {
      if (!data.success) yield `${indented(printed.get(data.file) ?? '')}\n`;
      printed.delete(data.file);
    }
  }
  for (const [why, count] of skipped) yield `skipped: ${count}, ${why}\n`;
}

/** Of an assertion on long texts, without both of them. */
const told = (cause: unknown): string =>
  (cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause))
    .split('\n')
    .slice(0, MOST_LINES)
    .join('\n');

const named = (file: string | undefined): string => (file === undefined ? '' : relative(ROOT, file));
const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '    ').trimEnd();
