const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A span in one unit or two neighbouring ones: `3d4h`, `5m`, `12s`. Takes milliseconds. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const index = UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = UNITS[index] ?? ['s', 1];
  const [smaller, part] = UNITS[index + 1] ?? ['', size];
  const rest = Math.floor((seconds % size) / part);
  return `${Math.floor(seconds / size)}${unit}${rest === 0 || smaller === '' ? '' : `${rest}${smaller}`}`;
}

/** An RFC 3339 time with how far it is from `now` (Unix milliseconds): `2026-01-01T00:00:00Z (5m ago)`. */
export function when(time: string, now: number): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  const seconds = time.replace(/[.]\d+Z$/, 'Z');
  return at > now ? `${seconds} (in ${span(at - now)})` : `${seconds} (${span(now - at)} ago)`;
}
