import type { Answer, StoredSecret } from '../../agent/resolve/answer.ts';

const NEVER = BigInt(Date.UTC(9999, 11, 31, 23, 59, 59)) * 1_000_000n + 999_999_999n;

/** A secret as Safe would answer it, granted to `team-a`; an object becomes its JSON. */
export function stored(name: string, value: unknown, change: Partial<StoredSecret> = {}): StoredSecret {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const updatedAt = change.updatedAt ?? BigInt(Date.UTC(2026, 10, 24)) * 1_000_000n;
  return {
    name,
    value: text,
    valueTransformed: text.trim(),
    template: '',
    format: '',
    namespaces: ['team-a'],
    updated: new Date(Number(updatedAt / 1_000_000n)).toISOString(),
    updatedAt,
    notBefore: updatedAt - 60_000n,
    expiresAfter: NEVER,
    ...change,
  };
}

/** A named answer that holds these secrets. */
export const answerOf = (...secrets: StoredSecret[]): Answer => ({
  kind: 'named',
  secrets: new Map(secrets.map((secret) => [secret.name, secret])),
});

/** Grants of the home Safe, where a namespace's name stands for itself. */
export const PLAIN = { as: 'vsecm.com', qualified: false };
