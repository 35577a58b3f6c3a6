const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A span in at most two units: `3d4h`, `5m`, `12s`. Takes milliseconds. */
export function span(ms: number): string {
  let seconds = Math.max(0, Math.round(ms / 1000));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(seconds / size);
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 0) continue;
    if (count > 0) seconds -= count * size;
    if (parts.length === 2 || unit === 's') break;
  }
  return parts.length === 0 ? '0s' : parts.join('');
}

/** An RFC 3339 time with how far it is from `now` (Unix milliseconds): `2026-01-01T00:00:00Z (5m ago)`. */
export function when(time: string, now: number): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  return at > now ? `${time} (in ${span(at - now)})` : `${time} (${span(now - at)} ago)`;
}
