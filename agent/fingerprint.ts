import { createHmac, createSecretKey, randomBytes } from 'node:crypto';

// Digests stay in memory and are keyed anew by each process: one that got out would tell nothing.
const KEY = createSecretKey(randomBytes(32)); // as an object: from bytes Node makes one at each use, 10 us

/** A digest over the given parts, each delimited by its length. Never to leave the process's memory. */
export function fingerprint(parts: Iterable<string | Uint8Array>): string {
  const hmac = createHmac('sha256', KEY);
  for (const part of parts) {
    hmac.update(`${part.length}:${typeof part === 'string' ? 's' : 'b'}`);
    hmac.update(part);
  }
  return hmac.digest('base64');
}
