import { createInterface } from 'node:readline';
import { createAgent } from './agent.ts';
import { parseLine, pretty } from './cli/log-line.ts';
import { ConfigError, describeConfig, readConfig, type Config } from './config.ts';
import { createLog, standardOutput, type Log, type LogDestination } from './log.ts';
import { crashFields } from './crash.ts';
import { VERSION } from './version.ts';

const HELP = `vsecm-agent ${VERSION}: makes Kubernetes Secrets of what VMware Secrets Manager Safe holds

Usage: vsecm-agent [--pretty | --pretty - | --help | --version]

  --pretty     logs for people instead of JSON
  --pretty -   only shows the JSON log on standard input so: kubectl logs ... | node agent.js --pretty -

Runs until SIGTERM or SIGINT, then finishes the writes in flight. Exits with 0 after a signal, with 1 if it
cannot go on, with 2 if its arguments or environment cannot be used.

Environment:
${describeConfig()}
`;

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
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info('Stopping', { signal: name });
      stop.abort();
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal('The agent cannot go on', crashFields(error));
      process.exit(1);
    });
  }
  try {
    const agent = await createAgent({ config, log });
    await agent.run(stop.signal);
    log.info('Stopped');
    return 0;
  } catch (error) {
    log.fatal('The agent cannot go on', crashFields(error));
    return 1;
  }
}

/** Writes lines of JSON as people read them. */
function forPeople(output: LogDestination): LogDestination {
  return { write: (line) => output.write(prettyText(line)) };
}

/** Shows the log on standard input as people read it, until it ends. */
async function filter(): Promise<number> {
  const output = standardOutput();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity }))
    output.write(prettyText(line));
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
