import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import { Failure } from '../api/reasons.ts';
import { GROUP, KIND, parseSpec, VERSION, type VSecMSecret } from '../api/vsecmsecret.ts';
import { parseTemplate } from '../template/parse.ts';
import { shapeOf } from '../template/shape.ts';
import type { Cluster } from './cluster.ts';
import { Refused } from './refused.ts';
import type { Command, Session } from './session.ts';
import { pairs } from './table.ts';
import { json } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** What was found out about one document. */
export interface Checked {
  /** Which document of the file, from 1. */
  document: number;
  namespace?: string;
  name?: string;
  result: 'ok' | 'wrong' | 'skipped' | 'unknown';
  /** What is wrong, or why nothing is known; empty if all is well. */
  problems: string[];
  /** What templates will give, by key, with names in angle brackets for values; empty without templates. */
  shapes: Record<string, string>;
}

type Finding = Omit<Checked, 'shapes'>;

interface Manifest {
  apiVersion?: unknown;
  kind?: unknown;
  metadata?: { name?: unknown; namespace?: unknown };
  items?: unknown;
}

/** Checks manifests without writing anything. */
export const check: Command = {
  name: 'check',
  synopsis: '-f FILE [-n NAMESPACE]',
  summary: 'Check VSecMSecrets of a file, without writing anything',
  details: `Each document is read as the agent reads it, then the API server tries it out (a server-side apply with dryRun=All;
RBAC: create and patch on vsecmsecrets), and it is compared with the VSecMSecrets that are there: two cannot have one
Secret as their target. Of templates it is shown what they will give, with names in angle brackets for the values. Whether
Safe has what the refs name shows only once it is applied. Documents of other kinds are skipped. Exits with 0 if all is well, with 1 if something is wrong or could not be found out.`,
  options: {
    filename: { type: 'string', short: 'f', placeholder: 'FILE', help: 'YAML or JSON; - is standard input' },
  },
  async run(session) {
    const { options, terminal } = session;
    const file = options['filename'];
    if (typeof file !== 'string') throw new UsageError('-f FILE is missing');
    const documents = parse(await read(file, session));
    const results: Checked[] = [];
    const targets = new Map<string, string>();
    for (const [index, manifest] of documents.entries())
      results.push({ ...(await checkOne(index + 1, manifest, targets, session)), shapes: shapes(manifest) });
    if (results.length === 0) terminal.say('no document in the file\n');
    terminal.out(session.json ? json(results) : results.map(render).join(''));
    const good = results.every(({ result }) => result === 'ok' || result === 'skipped');
    return good && results.some(({ result }) => result === 'ok') ? 0 : 1;
  },
};

async function read(file: string, { stdin }: Session): Promise<string> {
  if (file === '-') return stdin();
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code ?? 'Unknown'})`);
  });
}

/** As Kubernetes names them; anything else would lead elsewhere in a path. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** More than any file of manifests has: a few lines of aliases stand for billions. */
const MOST_VALUES = 100_000;

/** All documents, those of Lists too. */
function parse(text: string): Manifest[] {
  let documents: unknown[];
  try {
    documents = loadAll(text);
  } catch (error) {
    const { mark } = error as { mark?: { line?: number } };
    throw new UsageError(`the file is not YAML${mark?.line === undefined ? '' : `: line ${mark.line + 1}`}`);
  }
  if (valuesIn(documents, MOST_VALUES) > MOST_VALUES)
    throw new UsageError('the file stands for more than 100,000 values: write out what its aliases repeat');
  return documents
    .filter((document) => document !== null && document !== undefined)
    .map((document) => (typeof document === 'object' ? (document as Manifest) : {}))
    .flatMap((document) =>
      document.kind === 'List' && Array.isArray(document.items) ? (document.items as Manifest[]) : [document],
    );
}

/** How many values there are, each as often as an alias repeats it; counts no further than `most`. */
function valuesIn(value: unknown, most: number): number {
  let count = 1;
  if (typeof value !== 'object' || value === null) return count;
  for (const member of Object.values(value)) {
    if (count > most) break;
    count += valuesIn(member, most - count);
  }
  return count;
}

/** @param targets who has which Secret as target, in the documents before */
async function checkOne(
  document: number,
  manifest: Manifest,
  targets: Map<string, string>,
  session: Session,
): Promise<Finding> {
  const { kind, apiVersion, metadata } = manifest;
  if (kind !== KIND) return { document, result: 'skipped', problems: [`not a ${KIND}`] };
  const { name } = metadata ?? {};
  const namespace = metadata?.namespace ?? session.namespace;
  if (typeof name !== 'string' || typeof namespace !== 'string')
    return { document, result: 'wrong', problems: ['metadata.name is missing'] };
  const found = { document, namespace, name };
  if (!NAMESPACE.test(namespace))
    return { ...found, result: 'wrong', problems: ['metadata.namespace is not the name of a namespace'] };
  if (apiVersion !== `${GROUP}/${VERSION}`)
    return { ...found, result: 'wrong', problems: [`apiVersion must be ${GROUP}/${VERSION}`] };
  if (session.namespaceGiven && namespace !== session.namespace)
    return {
      ...found,
      result: 'wrong',
      problems: [`metadata.namespace is not ${session.namespace}, as -n says`],
    };
  let target: string;
  try {
    target = parseSpec(manifest).target.name;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...found, result: 'wrong', problems: [error.message] };
  }
  const key = `${namespace}/${target}`;
  const other = targets.get(key) ?? name;
  targets.set(key, other);
  if (other !== name) return { ...found, result: 'wrong', problems: [conflict(target, other)] };
  return { ...found, ...(await tryOut(session.cluster, namespace, name, target, manifest)) };
}

async function tryOut(
  cluster: Cluster,
  namespace: string,
  name: string,
  target: string,
  manifest: Manifest,
): Promise<Pick<Checked, 'result' | 'problems'>> {
  try {
    await cluster.tryOut(namespace, name, manifest);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const rejected = error.status === 400 || error.status === 422;
    if (!rejected) return { result: 'unknown', problems: [error.message] };
    return { result: 'wrong', problems: error.fields.length > 0 ? [...error.fields] : [error.message] };
  }
  try {
    const { items } = await cluster.resources(namespace);
    const holder = items.find((item) => item.metadata.name !== name && targetOf(item) === target);
    return holder === undefined
      ? { result: 'ok', problems: [] }
      : { result: 'wrong', problems: [conflict(target, holder.metadata.name)] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { result: 'unknown', problems: [error.message] };
  }
}

function targetOf(resource: VSecMSecret): string {
  const { target } = (resource.spec ?? {}) as { target?: { name?: string } };
  return target?.name ?? resource.metadata.name;
}

const conflict = (target: string, other: string): string =>
  `TargetConflict: Secret ${target} is the target of VSecMSecret ${other}, too; choose another spec.target.name`;

/** None of a document that is no VSecMSecret, or that does not parse. */
function shapes(manifest: Manifest): Record<string, string> {
  if (manifest.kind !== KIND) return {};
  try {
    return Object.fromEntries(
      parseSpec(manifest).data.flatMap(({ key, template }) =>
        template === undefined ? [] : [[key, shapeOf(parseTemplate(template))]],
      ),
    );
  } catch {
    return {};
  }
}

function render({ document, namespace, name, result, problems, shapes }: Checked): string {
  const label = name === undefined ? `document ${document}` : `${namespace}/${name}`;
  return pairs([
    [label, result],
    ...problems.map((problem) => ['', problem] as const),
    ...Object.entries(shapes).flatMap(([key, shape]) =>
      `${key}: ${shape}`.split('\n').map((line) => ['', line] as const),
    ),
  ]);
}
