import { printable } from '../api/printable.ts';

/** A line of an agent's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What a reader asks for: lines about one resource, its Safe, and the agent's identity. */
export interface Interest {
  namespace: string;
  name: string;
  /** As the resource or the agent's environment names it. */
  safeUrl: string;
  /** How it fails at present. */
  code?: string | undefined;
}

/** `undefined` for what is no line of an agent, such as the last words of a crash. */
export function parseLine(text: string): LogLine | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a line concerns the resource: it names it, or it is about what concerns many alike and is logged once: its
 * Safe, the identity with which Safe is asked, a failure that others have too.
 */
export function concerns(line: LogLine, interest: Interest): boolean {
  const { namespace, name, safeUrl, code } = interest;
  const { safeURL, stage, notAfter, serial, names, resources } = line;
  if (line['name'] !== undefined) return line['name'] === name && line['namespace'] === namespace;
  if (typeof safeURL === 'string') return sameUrl(safeURL, safeUrl);
  if (stage === 'identity' || (serial !== undefined && notAfter !== undefined)) return true;
  if (Array.isArray(names) && names.includes(`${namespace}/${name}`)) return true;
  // Of many resources a line names only the first, or none.
  const all = Array.isArray(names) && names.length === resources;
  return typeof resources === 'number' && code !== undefined && line['code'] === code && !all;
}

/** Shown by kubectl beside the log, and the same in each line. */
const LEFT_OUT = new Set(['time', 'level', 'msg', 'node', 'pod', 'version', 'hint', 'pid', 'hostname']);

/** One line for a person: time, level, message, fields; the hint below. */
export function pretty(line: LogLine): string {
  const { time, level, msg, hint } = line;
  const fields = Object.entries(line)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(
      ([key, value]) =>
        `${key}=${typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)}`,
    );
  const head = [text(time), text(level).toUpperCase().padEnd(5), text(msg), ...fields].join(' ');
  return `${printable(head)}\n${hint === undefined ? '' : `    ${printable(text(hint))}\n`}`;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

const sameUrl = (a: string, b: string): boolean =>
  a === b || (URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href);
