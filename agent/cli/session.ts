import type { Clock } from '../clock.ts';
import type { Cluster } from './cluster.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with. */
export interface Session {
  cluster: Cluster;
  /** Of -n, else of the context, else `default`. */
  namespace: string;
  /** -A. */
  allNamespaces: boolean;
  /** Whether -n was given. */
  namespaceGiven: boolean;
  json: boolean;
  /** The command's own options. */
  options: Readonly<Record<string, string | boolean | undefined>>;
  /** What follows the command's name. */
  args: readonly string[];
  terminal: Terminal;
  clock: Clock;
  /** Reads standard input to its end. */
  stdin: () => Promise<string>;
  /** Aborted when the user wants to end it. */
  signal: AbortSignal;
}

/** An option of a command: what it takes, and a line of help. */
export interface Option {
  type: 'string' | 'boolean';
  short?: string;
  /** Stands for the value in the help. */
  placeholder?: string;
  help: string;
}

export interface Command {
  name: string;
  /** What follows the name. */
  synopsis: string;
  /** One line. */
  summary: string;
  /** What the help says besides. */
  details: string;
  options: Readonly<Record<string, Option>>;
  /** Ends with the exit code. */
  run(session: Session): Promise<number>;
}
