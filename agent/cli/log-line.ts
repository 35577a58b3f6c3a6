import { printable } from './printable.ts';

/** A line of an agent's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What a reader asks for: lines about one resource, its Safe, and the agent's identity. */
export interface Interest {
  namespace: string;
  name: string;
  /** As the resource or the agent's environment names it. */
  safeUrl: string;
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
 * Whether a line concerns the resource: it names it, or it is about its Safe or the identity with which Safe is asked,
 * which concern all resources alike and are logged once.
 */
export function concerns(line: LogLine, { namespace, name, safeUrl }: Interest): boolean {
  const { name: named, namespace: within, safeURL, stage, notAfter, serial } = line;
  if (named !== undefined) return named === name && within === namespace;
  if (typeof safeURL === 'string') return sameUrl(safeURL, safeUrl);
  return stage === 'identity' || (serial !== undefined && notAfter !== undefined);
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
