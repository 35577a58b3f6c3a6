import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { APPLY, MERGE, type ApiAnswer, type ApiClient } from '../devcluster/api-client.ts';
import { CONSENT, type Workloads } from './workloads.ts';

/** One request about a workload. */
export interface Step {
  readonly by: 'agent' | 'person';
  readonly title: string;
  /** `there`: the workload as it is. */
  readonly send: (client: ApiClient, path: string, there: any) => Promise<ApiAnswer>;
}

const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** A merge patch as somebody else sends it. */
export const asPersonOf = (
  client: ApiClient,
  path: string,
  manager: string,
  patch: object,
): Promise<ApiAnswer> =>
  client.request('PATCH', `${path}?fieldManager=${manager}`, patch, { 'content-type': MERGE });

const template = (rest: object): object => ({ spec: { template: rest } });
const mark = (name: string, value: string | null): object =>
  template({ metadata: { annotations: { [name]: value } } });

const owner = (manager: string, operation: string): object => ({
  metadata: {
    managedFields: [
      {
        manager,
        operation,
        apiVersion: 'apps/v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:minReadySeconds': {}, 'f:revisionHistoryLimit': {} } },
      },
    ],
  },
});

/** What may be changed about a workload, as merge patches. */
export const CHANGES: Record<string, object> = {
  'a mark': mark('vsecm.com/secret.db', '7'),
  'another mark': mark('vsecm.com/secret.other.one', '12345678901234'),
  'a mark to a text': mark('vsecm.com/secret.db', 'text'),
  'a mark to nothing': mark('vsecm.com/secret.db', ''),
  'a mark away': mark('vsecm.com/secret.db', null),
  'a mark with capitals': mark('vsecm.com/secret.DB', '7'),
  'what looks like a mark': mark('xvsecm.com/secret.db', '7'),
  'the restart of kubectl': mark('kubectl.kubernetes.io/restartedAt', '7'),
  'all marks away': template({ metadata: { annotations: null } }),
  'an annotation of the pods': mark('theirs', 'y'),
  'a label of the pods': template({ metadata: { labels: { tier: 'x' } } }),
  'one more label of the pods': template({ metadata: { labels: { more: 'x' } } }),
  'the name of the template': template({ metadata: { name: 'x' } }),
  'the image': template({ spec: { containers: [{ name: 'main', image: 'example.com/evil:1' }] } }),
  'one more container': template({
    spec: {
      containers: [
        { name: 'main', image: 'example.com/main:1' },
        { name: 'x', image: 'x' },
      ],
    },
  }),
  'the account of the pods': template({ spec: { serviceAccountName: 'admin' } }),
  'the host network': template({ spec: { hostNetwork: true } }),
  'a grace period': template({ spec: { terminationGracePeriodSeconds: 0 } }),
  'the readiness': { spec: { minReadySeconds: 7 } },
  'the history': { spec: { revisionHistoryLimit: 0 } },
  'how many': { spec: { replicas: 0 } },
  'a pause': { spec: { paused: true } },
  'the strategy': { spec: { updateStrategy: { type: 'OnDelete' } } },
  'the selector': { spec: { selector: { matchLabels: { more: 'x' } } } },
  'a label': { metadata: { labels: { tier: 'x' } } },
  'one more label': { metadata: { labels: { more: 'x' } } },
  'an annotation': { metadata: { annotations: { theirs: 'y' } } },
  'one more annotation': { metadata: { annotations: { more: 'x' } } },
  'the count of templates': {
    metadata: { annotations: { 'deprecated.daemonset.template.generation': '99' } },
  },
  'the consent': { metadata: { annotations: { [CONSENT]: 'true' } } },
  'the consent away': { metadata: { annotations: { [CONSENT]: null } } },
  'a finalizer': { metadata: { finalizers: ['example.com/hold'] } },
  'an owner': {
    metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' }] },
  },
  'no managers': { metadata: { managedFields: [] } },
  'managers taken away': { metadata: { managedFields: [{}] } },
  'a manager who owns the spec': owner('kubectl-create', 'Update'),
  'the agent as owner of the spec': owner('vsecm-agent', 'Update'),
  'an applier of the spec': owner('gitops', 'Apply'),
  'the status': { status: { observedGeneration: 99 } },
};

const MANAGERS = ['vsecm-agent', 'gitops', 'kubectl-create', 'kubectl-rollout', 'stranger'];

/** A merge patch as a list of operations, each on a member that is no object. */
function operations(change: any, at = ''): object[] {
  return Object.entries(change).flatMap(([name, value]) => {
    const path = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (value === null) return [{ op: 'remove', path }];
    return typeof value === 'object' && !Array.isArray(value)
      ? operations(value, path)
      : [{ op: 'add', path, value }];
  });
}

/** As RFC 7396 says. */
function merged(there: any, change: any): any {
  if (change === null || typeof change !== 'object' || Array.isArray(change)) return change;
  const result = { ...(there !== null && typeof there === 'object' && !Array.isArray(there) ? there : {}) };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

const change = fc
  .uniqueArray(fc.constantFrom(...Object.keys(CHANGES)), { minLength: 1, maxLength: 2 })
  .map((titles) => ({
    title: titles.join(' and '),
    body: titles.map((title) => CHANGES[title]!).reduce(merged, {}),
  }));
/** The mark alone as often as all the rest, so that sequences get somewhere. */
const someChange = fc.oneof(change, fc.constant({ title: 'a mark', body: CHANGES['a mark']! }));
const query = fc.record({
  manager: fc.constantFrom(...MANAGERS),
  dryRun: fc.constantFrom('', '', '', '&dryRun=All'),
  force: fc.boolean(),
  subresource: fc.constantFrom('', '', '', '/status', '/scale'),
});

const patch = fc
  .tuple(someChange, query, fc.constantFrom(MERGE, STRATEGIC, JSON_PATCH, APPLY, 'PUT'))
  .map(([{ title, body }, { manager, dryRun, force, subresource }, type]): Step => ({
    by: 'agent',
    title: `${type} ${title} as ${manager}${dryRun}${subresource}`,
    send: (client, path, there) => {
      const to = `${path}${subresource}?fieldManager=${manager}${dryRun}`;
      if (type === 'PUT') return client.request('PUT', to, merged(there, body));
      const { apiVersion, kind, metadata } = there;
      const applied = merged({ apiVersion, kind, metadata: { name: metadata.name } }, body);
      const sent = type === APPLY ? applied : type === JSON_PATCH ? operations(body) : body;
      return client.request('PATCH', type === APPLY ? `${to}&force=${force}` : to, sent, {
        'content-type': type,
      });
    },
  }));

const others: Step[] = [
  {
    by: 'agent',
    title: 'DELETE',
    send: (client, path) => client.request('DELETE', path),
  },
  {
    by: 'agent',
    title: 'DELETE of all',
    send: (client, path) => client.request('DELETE', path.slice(0, path.lastIndexOf('/'))),
  },
  {
    by: 'agent',
    title: 'POST of a copy',
    send: (client, path, { apiVersion, kind, metadata, spec }) =>
      client.request('POST', path.slice(0, path.lastIndexOf('/')), {
        apiVersion,
        kind,
        metadata: { name: `${metadata.name}-copy`, annotations: { [CONSENT]: 'true' } },
        spec,
      }),
  },
  {
    by: 'person',
    title: 'consents',
    send: (client, path) => asPersonOf(client, path, 'kubectl-annotate', CHANGES['the consent']!),
  },
  {
    by: 'person',
    title: 'withdraws consent',
    send: (client, path) => asPersonOf(client, path, 'kubectl-annotate', CHANGES['the consent away']!),
  },
  {
    by: 'person',
    title: 'rolls back to marks of before',
    send: (client, path) =>
      client.request(
        'PATCH',
        `${path}?fieldManager=kubectl-rollout`,
        [
          {
            op: 'add',
            path: '/spec/template/metadata/annotations',
            value: { 'vsecm.com/secret.db': '1', 'kubectl.kubernetes.io/restartedAt': 'then' },
          },
        ],
        { 'content-type': JSON_PATCH },
      ),
  },
  {
    by: 'person',
    title: 'scales',
    send: (client, path) => asPersonOf(client, path, 'kubectl-scale', CHANGES['the readiness']!),
  },
  {
    by: 'person',
    title: 'applies',
    send: (client, path, { apiVersion, kind, metadata, spec: { selector } }) =>
      client.request(
        'PATCH',
        `${path}?fieldManager=gitops&force=true`,
        {
          apiVersion,
          kind,
          metadata: { name: metadata.name, annotations: { [CONSENT]: 'true' } },
          spec: {
            selector,
            template: {
              metadata: { labels: { ...selector.matchLabels, tier: 'web' }, annotations: { theirs: 'x' } },
              spec: { containers: [{ name: 'main', image: 'example.com/main:2' }] },
            },
          },
        },
        { 'content-type': APPLY },
      ),
  },
];

export const STEPS: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: patch, weight: 3 },
  { arbitrary: fc.constantFrom(...others), weight: 1 },
);

const isMark = ([name, value]: [string, unknown]): boolean =>
  /^vsecm\.com\/secret\.[a-z0-9]/.test(name) && /^[0-9]+$/.test(String(value));

/** What the agent changed between two states of a workload that it must not; `undefined`: nothing. */
export function changedBeyondMarks(kind: Workloads, before: any, after: any): string | undefined {
  if (isDeepStrictEqual(before, after)) return undefined;
  if (before.metadata.annotations?.[CONSENT] !== 'true') return 'there was no consent';
  const marksOf = (workload: any): [string, unknown][] =>
    Object.entries(workload.spec.template.metadata.annotations ?? {});
  const [old, fresh] = [Object.fromEntries(marksOf(before)), Object.fromEntries(marksOf(after))];
  for (const name of Object.keys(old)) if (!(name in fresh)) return `${name} went`;
  for (const [name, value] of marksOf(after))
    if (old[name] !== value && !isMark([name, value])) return `${name} became ${value}`;
  const rest = ({ metadata, spec, ...others }: any): object => {
    const { annotations = {} } = metadata;
    const meta = without(metadata, 'generation', 'resourceVersion', 'managedFields');
    const own =
      kind === 'daemonsets' ? without(annotations, 'deprecated.daemonset.template.generation') : annotations;
    const template = { ...spec.template, metadata: without(spec.template.metadata, 'annotations') };
    return { ...others, metadata: { ...meta, annotations: own }, spec: { ...spec, template } };
  };
  if (!isDeepStrictEqual(rest(before), rest(after)))
    return `from ${JSON.stringify(rest(before))} to ${JSON.stringify(rest(after))}`;
  return wrongManagers(before.metadata.managedFields ?? [], after.metadata.managedFields ?? []);
}

const without = (object: object, ...names: string[]): object =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

function wrongManagers(before: any[], after: any[]): string | undefined {
  const applies = (entries: any[]): any[] => entries.filter(({ operation }) => operation === 'Apply');
  if (!isDeepStrictEqual(applies(before), applies(after))) return 'who applied what';
  for (const entry of after) {
    const old = before.filter(
      ({ manager, operation, subresource }) =>
        manager === entry.manager && operation === entry.operation && subresource === entry.subresource,
    );
    if (old.some((one) => isDeepStrictEqual(one, entry))) continue;
    const owned = pathsOf(entry.fieldsV1);
    const had = new Set(old.flatMap((one) => pathsOf(one.fieldsV1)));
    const more = owned.filter((path) => !had.has(path));
    const wrong = more.find(
      (path) =>
        entry.manager !== 'vsecm-agent' ||
        !/^\/f:spec\/f:template\/f:metadata\/f:annotations(\/\.|\/f:vsecm\.com\/secret\..+)?$/.test(path),
    );
    if (wrong !== undefined) return `${entry.manager} owns ${wrong}`;
  }
  return undefined;
}

/** The leaves of a field set. */
const pathsOf = (fields: any, at = ''): string[] => {
  const names = Object.keys(fields ?? {});
  return names.length === 0 ? [at] : names.flatMap((name) => pathsOf(fields[name], `${at}/${name}`));
};
