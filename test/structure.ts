import { dirname, join } from 'node:path/posix';

/** One import of a file: what is named, and whether only types come from there. */
interface Import {
  target: string;
  typesOnly: boolean;
}

/** Top-level files that every folder of agent/ may use. */
const SHARED = [
  'agent/backoff.ts',
  'agent/clock.ts',
  'agent/door.ts',
  'agent/fingerprint.ts',
  'agent/log.ts',
  'agent/metrics.ts',
  'agent/name-lookup.ts',
  'agent/outage.ts',
  'agent/random.ts',
  'agent/reach.ts',
  'agent/schedule.ts',
  'agent/shared-result.ts',
  'agent/tasks.ts',
  'agent/undici.ts',
  'agent/version.ts',
];

/** Which sibling folders a folder of agent/ may import; `types` allows types alone. */
const SIBLINGS: Record<string, Record<string, 'all' | 'types'>> = {
  api: { template: 'all' },
  cli: { api: 'all', kube: 'all', shard: 'all', template: 'all' },
  decide: { api: 'all', resolve: 'types' },
  fetch: { api: 'all', resolve: 'all' },
  kube: {},
  page: { api: 'all' },
  report: { api: 'all', decide: 'types', fetch: 'all', kube: 'all', resolve: 'all' },
  safe: { spiffe: 'types' },
  restart: { api: 'all', decide: 'types', kube: 'all' },
  shard: {},
  spiffe: {},
  resolve: { api: 'all', template: 'all' },
  sync: {
    api: 'all',
    decide: 'all',
    fetch: 'all',
    kube: 'all',
    report: 'all',
    resolve: 'all',
    restart: 'all',
    target: 'all',
  },
  target: { api: 'all', decide: 'types', kube: 'all', resolve: 'types' },
  template: {},
};

/** Who may read the environment: each program in one place. */
const READ_ENVIRONMENT = ['agent/config.ts', 'agent/cli/environment.ts'];

/**
 * Who may know time and chance otherwise than by what it was given: the machine's clock and chance themselves, what
 * gives way to the event loop, a script that runs in a browser, and the plugin, which is used and done.
 */
const KNOW_TIME_AND_CHANCE = [
  'agent/clock.ts',
  'agent/clock-watch.ts',
  'agent/random.ts',
  'agent/turns.ts',
  'agent/kube/exchange.ts',
  'agent/kube/line.ts',
  'agent/report/inspection.ts',
  'agent/page/script.ts',
];

const TIME_OR_CHANCE =
  /\bMath\.random\b|\bDate\.now\b|\bperformance\.now\b|\bnew Date\(\s*\)|\bset(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b|['"](node:)?timers(\/promises)?['"]/;

const BAD_NAMES = /^(utils?|commons?|helpers?|misc|types|index)(\.ts)?$/;

/**
 * What is wrong with the layout, one sentence each.
 * @param files source by path from the root, with forward slashes
 * @param dependencies names of the packages that the agent may import
 */
export function violations(files: ReadonlyMap<string, string>, dependencies: readonly string[]): string[] {
  const found: string[] = [];
  for (const [path, source] of files) {
    const code = withoutComments(source);
    const bad = path.split('/').find((part) => BAD_NAMES.test(part));
    if (bad !== undefined) found.push(`${path}: ${bad} says nothing about what is in it`);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(path.split('/').at(-1) ?? ''))
      found.push(`${path}: file names are kebab-case`);
    if (/^export\s+(type\s+)?\*/m.test(code)) found.push(`${path}: re-exports a whole module`);
    if (!path.startsWith('agent/')) continue;
    if (!READ_ENVIRONMENT.includes(path) && readsEnvironment(code))
      found.push(`${path}: only config.ts reads the environment`);
    const knows = KNOW_TIME_AND_CHANCE.includes(path) || path.startsWith('agent/cli/');
    const own = knows ? undefined : TIME_OR_CHANCE.exec(code)?.[0];
    if (own !== undefined) found.push(`${path} uses ${own}: clock and chance are handed in`);
    for (const { target, typesOnly } of importsOf(code)) {
      const why = target.startsWith('.')
        ? wrongImport(path, join(dirname(path), target), typesOnly)
        : wrongPackage(target, dependencies);
      if (why !== undefined) found.push(`${path} imports ${target}: ${why}`);
    }
  }
  return found;
}

function wrongImport(from: string, to: string, typesOnly: boolean): string | undefined {
  if (!to.startsWith('agent/')) return 'the agent uses nothing outside agent/';
  if (to === 'agent/main.ts') return 'nothing imports main.ts';
  if (to === 'agent/agent.ts' && from !== 'agent/main.ts') return 'only main.ts imports agent.ts';
  const folder = folderOf(from);
  const allowed = folder === undefined ? undefined : SIBLINGS[folder];
  if (folder === undefined || allowed === undefined) return undefined;
  const other = folderOf(to);
  if (other === folder) return undefined;
  if (other === undefined)
    return SHARED.includes(to) ? undefined : 'modules get their own options, not the whole agent';
  if (allowed[other] === 'all' || (allowed[other] === 'types' && typesOnly)) return undefined;
  return allowed[other] === 'types'
    ? `${folder} takes only types from ${other}`
    : `${folder} does not know ${other}`;
}

function wrongPackage(target: string, dependencies: readonly string[]): string | undefined {
  if (target.startsWith('node:')) return undefined;
  const name = /^(@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target;
  if (!dependencies.includes(name)) return 'not among the dependencies of package.json';
  // The index brings some thirty packages and 80 MB with it.
  return target === '@kubernetes/client-node' ? 'import it by deep path' : undefined;
}

/** The folder of agent/ in which a file is, undefined at its top. */
function folderOf(path: string): string | undefined {
  const [, folder, rest] = path.split('/');
  return rest === undefined ? undefined : folder;
}

function readsEnvironment(code: string): boolean {
  return /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[|\}\s*=\s*process\b|['"](node:)?process['"]/.test(code);
}

function importsOf(code: string): Import[] {
  const found: Import[] = [];
  for (const [, clause = '', target = ''] of code.matchAll(
    /^\s*(?:import|export)\b([^'"`;=()]*?)\bfrom\s*['"]([^'"]+)['"]/gm,
  )) {
    const named = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
    const each = named
      ?.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    found.push({
      target,
      typesOnly: /^\s*type\b/.test(clause) || each?.every((one) => one.startsWith('type ')) === true,
    });
  }
  for (const [, target = ''] of code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm))
    found.push({ target, typesOnly: false });
  for (const [before, target = ''] of code.matchAll(/(?:typeof\s+)?\bimport\s*\(\s*['"]([^'"]+)['"]/g)) {
    found.push({ target, typesOnly: before.startsWith('typeof') });
  }
  return found;
}

/** Comments often show code, such as an import. Good enough for what is matched above; strings stay. */
function withoutComments(source: string): string {
  return source.replace(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g,
    '$1',
  );
}
