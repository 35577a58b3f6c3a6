// First: see there.
import { stopping } from './stopping.ts';
import { createInterface } from 'node:readline';
import { createAgent } from './agent.ts';
import { pause } from './backoff.ts';
import { parseLine, pretty } from './cli/log-line.ts';
import { systemClock } from './clock.ts';
import { ConfigError, describeConfig, readConfig, type Config } from './config.ts';
import { createLog, standardOutput, type Log, type LogDestination } from './log.ts';
import { crashFields } from './crash.ts';
import { whenAborted } from './tasks.ts';
import { VERSION } from './version.ts';

const HELP = `vsecm-agent ${VERSION}: makes Kubernetes Secrets of what VMware Secrets Manager Safe holds

Usage: vsecm-agent [--pretty | --pretty - | --help | --version]

  --pretty     logs for people instead of JSON
  --pretty -   only shows the JSON log on standard input so: kubectl logs ... | node agent.js --pretty -

Runs until SIGTERM or SIGINT, then finishes the writes in flight, 20 s at most. Exits with 0 after a signal, with 1
if it cannot go on or to its end, with 2 if its arguments or environment cannot be used.

Environment:
${describeConfig()}
`;

/**
 * From the signal to the end of the process, whatever hangs. What may take long by right is a write that has left
 * (10 s) and the statuses after it (5 s); the manifest's grace period is 30 s.
 */
const LONGEST_STOP_MS = 20_000;

/** Ends with the process's exit code. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) return say(HELP);
  if (args.includes('--version')) return say(`${VERSION}\n`);
  const [first, second, ...more] = args;
  if (first === '--pretty' && second === '-' && more.length === 0) return filter();
  const unknown = first === '--pretty' ? second : first;
  if (unknown !== undefined) return refuse(`unknown argument ${JSON.stringify(unknown)}; try --help`);
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return refuse(error.message);
  }
  const base = { node: config.node, pod: config.pod, version: VERSION };
  const log = createLog(
    config.logLevel,
    base,
    first === '--pretty' ? forPeople(standardOutput()) : undefined,
  );
  return run(config, log);
}

async function run(config: Config, log: Log): Promise<number> {
  void limitStop(log);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal('The agent cannot go on', crashFields(error));
      process.exit(1);
    });
  }
  try {
    // What it reads at the start, such as the output of a kubeconfig's command, need not come.
    const agent = await Promise.race([
      createAgent({ config, log, signal: stopping.signal }),
      whenAborted(stopping.signal),
    ]);
    await agent?.run(stopping.signal);
    log.info('Stopped');
    return 0;
  } catch (error) {
    log.fatal('The agent cannot go on', crashFields(error));
    return 1;
  }
}

/** Ends the process when it does not end by itself after a signal. */
async function limitStop(log: Log): Promise<void> {
  await whenAborted(stopping.signal);
  log.info('Stopping', { signal: stopping.name ?? '' });
  await pause(systemClock, LONGEST_STOP_MS, new AbortController().signal);
  log.warn('Something did not end; the agent stops without it');
  process.exit(1);
}

/** Writes lines of JSON as people read them. */
function forPeople(output: LogDestination): LogDestination {
  return { write: (line) => output.write(prettyText(line)) };
}

/** Shows the log on standard input as people read it, until it ends. */
async function filter(): Promise<number> {
  const output = standardOutput();
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  stopping.signal.addEventListener('abort', () => lines.close());
  for await (const line of lines) output.write(prettyText(line));
  return 0;
}

/** What is no line of an agent stays as it is. */
function prettyText(text: string): string {
  const line = parseLine(text);
  if (line === undefined) return text.endsWith('\n') ? text : `${text}\n`;
  // The same in each line, so it is shown once.
  const { msg, node, pod, version } = line;
  return pretty(msg === 'Agent started' ? { ...line, agent: `${pod}@${node}`, release: version } : line);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function refuse(problem: string): number {
  process.stderr.write(`vsecm-agent: ${problem}\n`);
  return 2;
}

// Sockets that keep themselves alive must not keep the process.
process.exit(await main(process.argv.slice(2)));
