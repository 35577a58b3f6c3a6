import { hash } from 'node:crypto';

/** What people and tools write: a moment, a number, a word. */
const PLAIN = /^[\x20-\x7e]{0,64}$/;

/**
 * The value of the refresh annotation as agents keep it and tell in the status: itself, or a digest of what is longer or
 * cannot be shown. An annotation may have 256 KiB, and every agent keeps those of all resources.
 */
export const refreshMark = (value: string): string =>
  PLAIN.test(value) ? value : `sha256:${hash('sha256', value, 'hex')}`;
