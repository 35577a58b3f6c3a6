import { hash } from 'node:crypto';

/** The name part of an annotation has 63 characters, of which `secret.` takes seven. */
const MAX_NAME = 56;
const DIGEST = 10;

/**
 * The annotation of a pod template that says which revision of a Secret its pods start with. A name that is too long is
 * cut, and told from others by a digest of the whole.
 */
export function markOf(secret: string): string {
  if (secret.length <= MAX_NAME) return `vsecm.com/secret.${secret}`;
  const digest = hash('sha256', secret, 'hex').slice(0, DIGEST);
  return `vsecm.com/secret.${secret.slice(0, MAX_NAME - DIGEST - 1)}-${digest}`;
}
