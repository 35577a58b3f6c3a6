import assert from 'node:assert/strict';
import { Failure } from '../../agent/api/reasons.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import type { Answer, StoredSecret } from '../../agent/resolve/answer.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { resolve } from '../../agent/resolve/refs.ts';
import { answerOf, PLAIN } from './stored-secret.ts';

/** Between the dates of what `stored` makes. */
export const NOW = Date.UTC(2026, 10, 24, 12);

/** The data of the Secret that a spec asks for, values as UTF-8. */
export function contentOf(spec: object, ...secrets: StoredSecret[]): Record<string, string> {
  const data = bytesOf(spec, answerOf(...secrets));
  return Object.fromEntries([...data].map(([key, value]) => [key, Buffer.from(value).toString()]));
}

/** The data of the Secret that a spec asks for; namespace `team-a`. */
export const bytesOf = (
  spec: object,
  answer: Answer,
  grants: 'enforce' | 'warn' | 'off' = 'enforce',
): ReadonlyMap<string, Uint8Array> =>
  atOnce(
    resolve(parseSpec({ metadata: { name: 'x' }, spec }), {
      answer,
      namespace: 'team-a',
      grants,
      scope: PLAIN,
      now: NOW,
    }),
  ).data;

/** The Failure that `act` must throw. */
export function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}
