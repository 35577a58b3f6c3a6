import { randomBytes } from 'node:crypto';
import { parseDuration } from '../api/duration.ts';
import { REFRESH_ANNOTATION, type VSecMSecret } from '../api/vsecmsecret.ts';
import type { Cluster } from './cluster.ts';
import { Refused } from './refused.ts';
import { resourceNames } from './resource-name.ts';
import type { Command, Session } from './session.ts';
import { pairs } from './table.ts';
import { json } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { Wait, type Refreshed } from './wait.ts';

const AT_A_TIME = 16;

/** Has resources refreshed now, and waits until it is done. */
export const refresh: Command = {
  name: 'refresh',
  synopsis: 'NAME... | --all [-n NAMESPACE | -A]',
  summary: 'Have VSecMSecrets refreshed now, and wait until that is done',
  details: `Changes the annotation ${REFRESH_ANNOTATION} and waits until status.handledRefresh has the new value (RBAC: get,
patch, list and watch on vsecmsecrets). One that is suspended is left alone. Exits with 0 if all were refreshed, with 1
if one failed, is suspended although it was named, or was not done in time.`,
  options: {
    all: { type: 'boolean', help: 'all VSecMSecrets of the namespace, or with -A of the cluster' },
    timeout: { type: 'string', placeholder: 'DURATION', help: 'how long to wait in all; default 60s' },
    'no-wait': { type: 'boolean', help: 'only ask for the refresh' },
  },
  async run(session) {
    const { cluster, terminal, options } = session;
    const timeoutMs = timeout(options['timeout']);
    const all = options['all'] === true;
    const chosen = await choose(session, all);
    if (chosen.length === 0) terminal.say('no VSecMSecret found\n');
    const results: Refreshed[] = [];
    const done = (one: Refreshed): void => {
      results.push(one);
      if (!session.json) terminal.out(render(one));
    };
    const suspended = chosen.filter(isSuspended);
    for (const { metadata } of suspended) done({ ...nameOf(metadata), result: 'suspended' });
    const wait = new Wait(token());
    await ask(
      cluster,
      chosen.filter((one) => !isSuspended(one)),
      wait,
      done,
    );
    if (options['no-wait'] === true) {
      if (!session.json) terminal.say(`asked for ${wait.size} refreshes\n`);
    } else await wait.run({ session, timeoutMs, done });
    if (session.json) terminal.out(json(results));
    else summarise(results, session);
    const bad = results.some(({ result }) => result !== 'refreshed' && !(result === 'suspended' && all));
    return bad ? 1 : 0;
  },
};

async function choose(session: Session, all: boolean): Promise<VSecMSecret[]> {
  const { cluster, namespace, allNamespaces, args } = session;
  const names = resourceNames(args);
  if (all !== (names.length === 0)) throw new UsageError('wanted: names, or --all');
  if (allNamespaces && !all) throw new UsageError('-A goes with --all');
  if (all) return (await cluster.resources(allNamespaces ? undefined : namespace)).items;
  return Promise.all(names.map((name) => cluster.resource(namespace, name)));
}

/** Writes the annotations, some at a time. */
async function ask(
  cluster: Cluster,
  resources: readonly VSecMSecret[],
  wait: Wait,
  done: (one: Refreshed) => void,
): Promise<void> {
  const left = resources.values();
  const work = async (): Promise<void> => {
    for (const { metadata } of left) {
      const { namespace, name } = metadata;
      try {
        wait.expect(await cluster.annotate(namespace, name, { [REFRESH_ANNOTATION]: wait.token }));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const result = error.status === 404 ? 'gone' : 'refused';
        done({ ...nameOf(metadata), result, message: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}

function render(one: Refreshed): string {
  const { namespace, name, result, code, message, hint } = one;
  const suspended = 'suspended: nothing is refreshed until spec.suspend is false or gone';
  const late = 'not done in time: is its agent there? kubectl vsecm why';
  const text = {
    refreshed: 'refreshed',
    failed: `failed: ${code ?? ''}: ${message ?? ''}`,
    suspended,
    gone: 'deleted meanwhile',
    refused: `not asked: ${message ?? ''}`,
    timeout: `${late} ${name} -n ${namespace}`,
  }[result];
  const label = `${namespace}/${name}`;
  return pairs([[label, text], ...(hint === undefined ? [] : [['', hint] as const])]);
}

function summarise(results: readonly Refreshed[], { terminal }: Session): void {
  if (results.length < 2) return;
  const counts = Map.groupBy(results, ({ result }) => result);
  terminal.say(`${[...counts].map(([result, each]) => `${each.length} ${result}`).join(', ')}\n`);
}

const nameOf = ({ namespace, name }: VSecMSecret['metadata']) => ({ namespace, name });
const isSuspended = ({ spec }: VSecMSecret): boolean =>
  (spec as { suspend?: unknown } | undefined)?.suspend === true;

/** When it was asked, for whoever reads the annotation, and what makes it unique. */
const token = (): string => `${new Date().toISOString()}-${randomBytes(4).toString('hex')}`;

function timeout(text: string | boolean | undefined): number {
  try {
    return parseDuration(typeof text === 'string' ? text : '60s');
  } catch {
    throw new UsageError('--timeout: wanted a duration such as 90s');
  }
}
