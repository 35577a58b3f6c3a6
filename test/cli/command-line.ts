import assert from 'node:assert/strict';
import { run } from '../../agent/cli/run.ts';

export interface Ran {
  code: number;
  out: string;
  said: string;
  /** Every progress line, in order. */
  progress: string[];
}

/** Runs `kubectl vsecm ARGV` in this process; fails if the value of a secret comes out. */
export async function vsecm(
  kubeconfig: string,
  argv: readonly string[],
  options: { stdin?: string; signal?: AbortSignal; onOut?: (text: string) => void } = {},
): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', said: '', progress: [] };
  ran.code = await run([...argv, '--kubeconfig', kubeconfig], {
    terminal: {
      out(text) {
        ran.out += text;
        options.onOut?.(text);
      },
      say(text) {
        ran.said += text;
      },
      progress(text) {
        if (text !== '') ran.progress.push(text);
      },
    },
    stdin: async () => options.stdin ?? '',
    signal: options.signal ?? new AbortController().signal,
  });
  // The value of all secrets that these tests register.
  assert.doesNotMatch(JSON.stringify(ran), /s3cr3t/);
  return ran;
}
