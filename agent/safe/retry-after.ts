/** A Retry-After beyond this is cut: a mistaken proxy must not silence the agents for longer than a failing Safe is left alone anyway. */
const LONGEST_MS = 300_000;

/** Milliseconds that a `Retry-After` of seconds or an HTTP date asks to wait, at most five minutes; `undefined` if there is none. */
export function parseRetryAfter(header: string | string[] | undefined, now: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return undefined;
  // Date.parse would take a bare number for a year.
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : /[a-z]/i.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_MS);
}
