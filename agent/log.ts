import { pino } from 'pino';

/**
 * Every field that a log line may carry. Values are names, numbers and codes; nothing here is ever filled
 * from the content of a secret, a response body or a library's error message (those quote their input).
 */
export interface LogFields {
  /** Kubernetes node and pod of this agent. */
  node?: string;
  pod?: string;
  version?: string;
  /** Which part of the agent speaks. */
  component?: string;
  /** The Safe that was asked, as named in the resource or the environment. */
  safeURL?: string;
  /** SPIFFE ID of this agent, and of the peer that answered. */
  spiffeID?: string;
  peerSPIFFEID?: string;
  expectedSPIFFEID?: string;
  trustDomain?: string;
  socket?: string;
  serial?: string;
  notAfter?: string;
  /** Section of the failure vocabulary, and the code within it. */
  stage?: string;
  code?: string;
  /** A system's or library's error code, such as ECONNREFUSED; never its message. */
  cause?: string;
  /** The Kubernetes API server's reason and the fields that it complained about. */
  reason?: string;
  fields?: string[];
  hint?: string;
  attempt?: number;
  /** RFC 3339. */
  nextRetry?: string;
  since?: string;
  /** Seconds. */
  durationSeconds?: number;
  /** How many resources and namespaces are concerned. */
  resources?: number;
  namespaces?: number;
  count?: number;
  namespace?: string;
  name?: string;
  /** Name of the Kubernetes Secret. */
  secret?: string;
  secretName?: string;
  resource?: string;
  ref?: string;
  /** An HTTP status. */
  status?: number;
  bytes?: number;
  port?: number;
  pagePort?: number;
  address?: string;
  variable?: string;
  signal?: string;
  members?: number;
  owners?: number;
  /** owner, standby or other. */
  role?: string;
  gained?: number;
  lost?: number;
  created?: boolean;
  /** Where an unexpected error was thrown, without its message. */
  frames?: string[];
}

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
 * pino copies messages of errors into lines; here no error object can reach it, only declared fields.
 */
export function createLog(level: LogLevel, base: LogFields, destination?: LogDestination): Log {
  const options = {
    level,
    base: { ...base },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(options, destination ?? pino.destination({ fd: 1, sync: true })));
}

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
