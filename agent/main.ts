import { createAgent } from './agent.ts';
import { ConfigError, describeConfig, readConfig, type Config } from './config.ts';
import { createLog, type Log } from './log.ts';
import { crashFields } from './crash.ts';
import { VERSION } from './version.ts';

const HELP = `vsecm-agent ${VERSION}: makes Kubernetes Secrets of what VMware Secrets Manager Safe holds

Usage: vsecm-agent [--help | --version]

Runs until SIGTERM or SIGINT, then finishes the writes in flight. Exits with 0 after a signal, with 1 if it
cannot go on, with 2 if its arguments or environment cannot be used.

Environment:
${describeConfig()}
`;

/** Ends with the process's exit code. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) return say(HELP);
  if (args.includes('--version')) return say(`${VERSION}\n`);
  if (args.length > 0) return refuse(`unknown argument ${JSON.stringify(args[0])}; try --help`);
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return refuse(error.message);
  }
  const log = createLog(config.logLevel, { node: config.node, pod: config.pod, version: VERSION });
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
