import { Agents } from './agents.ts';
import { parseDuration } from '../api/duration.ts';
import { servingPod } from './explanation.ts';
import { concerns, parseLine, pretty } from './log-line.ts';
import { printable } from '../api/printable.ts';
import { Refused } from './refused.ts';
import { resourceName } from './resource-name.ts';
import type { Command } from './session.ts';
import { UsageError } from './usage-error.ts';

/** Shows what the owner's log says about a resource. */
export const logs: Command = {
  name: 'logs',
  synopsis: 'NAME [-n NAMESPACE] [-f]',
  summary: "The owner's log about a VSecMSecret: its own lines, its Safe's and the identity's",
  details: `A Safe that fails and an identity that is missing are logged once for all resources, so these lines are shown too.
RBAC: get on pods/log, and list on pods or endpointslices, in the agents' namespace.`,
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on as lines come' },
    since: { type: 'string', placeholder: 'DURATION', help: 'only lines of that time, such as 10m' },
    all: { type: 'boolean', help: 'all lines of the pod' },
    raw: { type: 'boolean', help: 'the lines as they are, JSON (also -o json)' },
  },
  async run({ cluster, namespace, args, options, terminal, signal, json }) {
    const sinceSeconds = seconds(options['since']);
    const resource = await cluster.resource(namespace, resourceName(args));
    const { name } = resource.metadata;
    const agents = await Agents.find(cluster);
    const pod = servingPod(resource, agents);
    if (pod === undefined) {
      terminal.say(`error: no pod of an agent is known that serves ${namespace}/${name}\n`);
      for (const problem of agents.problems) terminal.say(`  ${problem}\n`);
      const { node } = resource.status ?? {};
      if (node)
        terminal.say(
          `  its status names node ${printable(node)}: the pod of vsecm-agent there has the log\n`,
        );
      return 1;
    }
    terminal.say(`pod ${printable(pod.pod)} on node ${printable(pod.node)}\n`);
    const { vsecmSafeURL } = (resource.spec ?? {}) as { vsecmSafeURL?: string };
    const interest = {
      namespace,
      name,
      safeUrl: vsecmSafeURL ?? agents.settings.safeUrl,
      code: resource.status?.failure?.code,
    };
    const follow = options['follow'] === true;
    let shown = 0;
    try {
      for await (const text of cluster.podLog(pod.pod, { follow, signal, ...sinceSeconds })) {
        const line = parseLine(text);
        if (options['all'] !== true && (line === undefined || !concerns(line, interest))) continue;
        shown += 1;
        const raw = options['raw'] === true || json || line === undefined;
        terminal.out(raw ? `${printable(text)}\n` : pretty(line));
      }
    } catch (error) {
      if (!signal.aborted)
        throw error instanceof Refused ? advised(error, pod.pod, cluster.agentNamespace) : error;
    }
    if (shown === 0 && !signal.aborted) terminal.say('no line about it; --all shows all lines\n');
    if (follow && !signal.aborted) terminal.say('the log has ended; another agent may serve it now\n');
    return 0;
  },
};

/** The node's own tools may still have the log. */
function advised(error: Refused, pod: string, namespace: string): Error {
  if (error.status === 401 || error.status === 403) return error;
  return new Error(`${error.message}; try kubectl logs -n ${namespace} ${pod}`);
}

function seconds(since: string | boolean | undefined): { sinceSeconds: number } | object {
  if (typeof since !== 'string') return {};
  try {
    return { sinceSeconds: Math.max(1, Math.ceil(parseDuration(since) / 1000)) };
  } catch {
    throw new UsageError('--since: wanted a duration such as 10m');
  }
}
