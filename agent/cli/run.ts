import { systemClock, type Clock } from '../clock.ts';
import { Access } from '../kube/access.ts';
import { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/error.ts';
import { machineNames } from '../name-lookup.ts';
import { VERSION } from '../version.ts';
import { parseArguments, type Arguments } from './arguments.ts';
import { check } from './check.ts';
import { Cluster } from './cluster.ts';
import { readSurroundings, unusedProxy } from './environment.ts';
import { helpOf, overview } from './help.ts';
import { identity } from './identity.ts';
import { logs } from './logs.ts';
import { owners } from './owners.ts';
import { printable, printableLines } from '../api/printable.ts';
import { refresh } from './refresh.ts';
import { explainKubeconfig, Refused } from './refused.ts';
import type { Command, Session } from './session.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { why } from './why.ts';

export const COMMANDS: readonly Command[] = [why, owners, logs, refresh, check, identity];

export interface RunOptions {
  terminal: Terminal;
  stdin: () => Promise<string>;
  signal: AbortSignal;
  clock?: Clock;
}

/** Runs one command line; ends with the exit code. */
export async function run(argv: readonly string[], given: RunOptions): Promise<number> {
  const terminal = careful(given.terminal);
  const options = { ...given, terminal };
  const { signal } = options;
  try {
    const { command, args, options: flags } = parseArguments(argv, COMMANDS);
    if (flags['version'] === true) terminal.out(`${VERSION}\n`);
    else if (command === undefined) terminal.out(overview(COMMANDS, VERSION));
    else if (flags['help'] === true) terminal.out(helpOf(command));
    else return await runCommand(command, { args, given: flags, ...options });
    return 0;
  } catch (error) {
    if (signal.aborted) return 130;
    terminal.progress('');
    terminal.say(`error: ${printable(reasonOf(error))}\n`);
    if (error instanceof UsageError) terminal.say('kubectl vsecm --help tells what there is\n');
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Shows what commands write, whatever of tenants' and agents' texts is in it. */
const careful = ({ out, say, progress }: Terminal): Terminal => ({
  out: (text) => out(printableLines(text)),
  say: (text) => say(printableLines(text)),
  progress: (text) => progress(printable(text)),
});

async function runCommand(
  command: Command,
  { args, given, ...options }: RunOptions & { args: string[]; given: Arguments['options'] },
): Promise<number> {
  const { clock = systemClock } = options;
  const text = (name: string): string | undefined =>
    typeof given[name] === 'string' ? given[name] : undefined;
  const { terminal, signal } = options;
  // A command of the kubeconfig may be slow, or wait for somebody to sign in.
  const cancel = clock.after(3_000, () =>
    terminal.progress('waiting for the command that the kubeconfig names …'),
  );
  const access = await Access.load({
    ...readSurroundings(text('kubeconfig')),
    context: text('context'),
    clock,
    signal,
  }).finally(cancel);
  terminal.progress('');
  const client = KubeClient.of(access, {
    clock,
    userAgent: `kubectl-vsecm/${VERSION}`,
    names: machineNames,
    metrics: { kubeRequests: { inc: () => {} } },
  });
  const cluster = new Cluster({ client, access, agentNamespace: text('agent-namespace') ?? 'vsecm-agent' });
  const session: Session = {
    cluster,
    namespace: text('namespace') ?? access.namespace ?? 'default',
    namespaceGiven: text('namespace') !== undefined,
    allNamespaces: given['all-namespaces'] === true,
    json: text('output') === 'json',
    options: given,
    args,
    terminal,
    clock,
    stdin: options.stdin,
    signal,
  };
  try {
    return await command.run(session);
  } catch (error) {
    const proxy = error instanceof Refused && error.status === 0 ? unusedProxy(access.server) : undefined;
    if (proxy === undefined) throw error;
    terminal.say(
      `${proxy} is set, which kubectl uses and this plugin does not: run it where the API server can be reached without\n`,
    );
    throw error;
  } finally {
    await cluster.close();
  }
}

/** One sentence; nothing of a library's message, which may quote what it read. */
function reasonOf(error: unknown): string {
  if (error instanceof KubeError && error.status === 0 && /^Context|^Kubeconfig|^Exec/.test(error.code ?? ''))
    return explainKubeconfig(error);
  if (error instanceof Refused || error instanceof UsageError || error instanceof KubeError)
    return error.message;
  return 'this should not happen; please report it';
}
