import { createHash, timingSafeEqual } from 'node:crypto';
import type { SafeSecret } from './secret.ts';

/** The secret that tells Safe's own list of secrets from a value of that shape; nobody can refer to it. */
const PLACEHOLDER = 'vsecm-agent-placeholder';

/**
 * Whether these secrets come from Safe and not from somebody's value. While Safe serves a single secret it serves
 * its bare value, and a tenant's value can look like a list of secrets with names and grants of its own choosing.
 * What it cannot hold is the placeholder with a value that only the operator knows.
 *
 * @param proof SHA-256 of the placeholder's value, hex
 */
export function isProven(secrets: ReadonlyMap<string, SafeSecret>, proof: string): boolean {
  const value = secrets.get(PLACEHOLDER)?.value;
  if (value === undefined) return false;
  return timingSafeEqual(createHash('sha256').update(value).digest(), Buffer.from(proof, 'hex'));
}
