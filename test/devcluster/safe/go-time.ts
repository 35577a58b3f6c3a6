const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-](\d\d):(\d\d))$/;
const NANOSECONDS = 1_000_000_000n;

/** Printed as VSecM Safe prints the end of a secret that never expires. */
export const NEVER = '9999-12-31T23:59:59.999999999Z';

/**
 * What Go prints of an RFC 3339 time that it was given; `undefined` if it does not take it. Go reads an
 * offset of 24 hours, which it then cannot print: Safe's whole answer becomes empty.
 */
export function goTime(text: string): { printed: string; printable: boolean } | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second, offsetHour, offsetMinute] = [1, 2, 3, 4, 5, 6, 9, 10].map(
    (group) => Number(match[group] ?? 0),
  ) as number[];
  const date = new Date(0);
  date.setUTCFullYear(year!, month! - 1, day);
  if (date.getUTCMonth() !== month! - 1 || date.getUTCDate() !== day) return undefined;
  if (hour! > 23 || minute! > 59 || second! > 59 || offsetHour! > 24 || offsetMinute! > 59) return undefined;
  const fraction = (match[7] ?? '').slice(0, 9).replace(/0+$/, '');
  const zone = offsetHour === 0 && offsetMinute === 0 ? 'Z' : match[8];
  return { printed: text.slice(0, 19) + (fraction && `.${fraction}`) + zone, printable: offsetHour! < 24 };
}

/** A moment, nanoseconds since the Unix epoch, as Go prints it in UTC with all its digits. */
export function printNanos(nanos: bigint): string {
  const whole = new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(nanos % NANOSECONDS)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${whole}${fraction && `.${fraction}`}Z`;
}

const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Nanoseconds since the Unix epoch; no two calls give the same. */
export const nowNanos = (): bigint => offset + process.hrtime.bigint();
