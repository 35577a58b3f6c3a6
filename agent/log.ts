import { pino } from 'pino';
import { printableLines } from './api/printable.ts';
import type { LogFields } from './log-fields.ts';

export type { LogFields } from './log-fields.ts';

/** The agent's logger: constant messages, declared fields. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Log;
}

/** Levels that `VSECM_LOG_LEVEL` may name. */
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where lines go: anything with a synchronous `write`. */
export interface LogDestination {
  write(line: string): void;
}

/**
 * JSON lines on standard output, written synchronously so that the last line before an exit is not lost.
 * pino copies messages of errors into lines; here no error object can reach it, only declared fields. What cannot be
 * shown is escaped, in the way of JSON, which itself leaves all but C0 as it is.
 */
export function createLog(level: LogLevel, base: LogFields, destination?: LogDestination): Log {
  const options = {
    level,
    base: { ...base },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const output = destination ?? standardOutput();
  return wrap(pino(options, { write: (line) => output.write(printableLines(line)) }));
}

/** Standard output, written synchronously. */
export const standardOutput = (): LogDestination => pino.destination({ fd: 1, sync: true });

function wrap(logger: pino.Logger): Log {
  const at =
    (level: pino.Level) =>
    (message: string, fields?: LogFields): void =>
      logger[level](fields ?? {}, message);
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => wrap(logger.child(fields)),
  };
}
