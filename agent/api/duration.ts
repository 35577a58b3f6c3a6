const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
};
const PART = /([0-9]+[.]?[0-9]*|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * Milliseconds of a duration in Go's grammar (`90s`, `1h30m`, `1.5s`, `0`), without sign. Fractions finer
 * than a nanosecond are rounded. Throws a RangeError whose message does not repeat the text.
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  let end = 0;
  let total = 0;
  for (const part of text.matchAll(PART)) {
    end = part.index + part[0].length;
    total += Math.round(Number(part[1]) * UNIT_MS[part[2]!]! * 1e6) / 1e6;
  }
  if (end === 0 || end !== text.length || !Number.isFinite(total)) {
    throw new RangeError('not a duration such as 90s or 1h30m');
  }
  return total;
}

/** The shortest usual form of a duration: `1h`, `1h30m`, `1.5s`, `250ms`, `0s`. Takes milliseconds, not negative. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3600e3);
  const minutes = Math.floor((ms % 3600e3) / 60e3);
  const seconds = (ms % 60e3) / 1e3;
  return (
    (hours > 0 ? `${hours}h` : '') + (minutes > 0 ? `${minutes}m` : '') + (seconds > 0 ? `${seconds}s` : '')
  );
}
