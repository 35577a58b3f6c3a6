import * as fc from 'fast-check';
import { APPLY, MERGE, type ApiAnswer, type ApiClient } from '../devcluster/api-client.ts';

/** A Secret as the API server stores it, as far as an attack could change it. */
export interface Stored {
  metadata: {
    uid: string;
    resourceVersion: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: object[];
    finalizers?: string[];
  };
  type: string;
}

const CONSENT = { 'vsecm.com/allow-adoption': 'true' };
const MANAGED = { 'vsecm.com/managed': 'true' };
const MADE = { ...MANAGED, 'app.kubernetes.io/managed-by': 'vsecm-agent' };
const owner = (more: object = {}): object => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  name: 'nobody',
  uid: '00000000-0000-0000-0000-000000000001',
  ...more,
});
const CONFIG_MAP = owner({ apiVersion: 'v1', kind: 'ConfigMap', name: 'theirs' });
const HOLD = ['example.com/hold'];

/** How a Secret came to be as it is before an attack. */
export interface Victim {
  /** What its maker posts; absent: there is none. */
  readonly metadata?: object;
  readonly more?: object;
  readonly namespace?: string;
  /** Made by the agent itself. */
  readonly byAgent?: boolean;
  /** What happens next: the agent applies its label and key, the maker takes the consent away, or deletes it. */
  readonly since?: readonly ('merged' | 'withdrawn' | 'deleted')[];
}

export const VICTIMS: Readonly<Record<string, Victim>> = {
  'nothing there': {},
  plain: { metadata: {} },
  consenting: { metadata: { annotations: CONSENT } },
  merged: { metadata: { annotations: CONSENT }, since: ['merged'] },
  'merged, and the consent withdrawn': { metadata: { annotations: CONSENT }, since: ['merged', 'withdrawn'] },
  'labelled by its maker': { metadata: { labels: MANAGED } },
  'consenting, of a ConfigMap': { metadata: { annotations: CONSENT, ownerReferences: [CONFIG_MAP] } },
  'consenting, of two VSecMSecrets': {
    metadata: { annotations: CONSENT, ownerReferences: [owner(), owner({ uid: '2', name: 'other' })] },
  },
  'consenting, with a finalizer': { metadata: { annotations: CONSENT, finalizers: HOLD } },
  'consenting, being deleted': { metadata: { annotations: CONSENT, finalizers: HOLD }, since: ['deleted'] },
  'consenting, immutable': { metadata: { annotations: CONSENT }, more: { immutable: true } },
  'consenting, of kube-system': { metadata: { annotations: CONSENT }, namespace: 'kube-system' },
  'consenting, a service account token': {
    metadata: { annotations: { ...CONSENT, 'kubernetes.io/service-account.name': 'default' } },
    more: { type: 'kubernetes.io/service-account-token' },
  },
  'nothing there, in kube-system': { namespace: 'kube-system' },
  "the agent's own": { metadata: { labels: MADE }, byAgent: true },
  "the agent's own, of a VSecMSecret": {
    metadata: { labels: MADE, ownerReferences: [owner()] },
    byAgent: true,
  },
};

/** One request with the agent's token. */
export interface Attack {
  readonly verb: 'apply' | 'merge' | 'json' | 'post' | 'put' | 'delete' | 'generate' | 'collection';
  readonly metadata: object;
  readonly more: object;
  readonly subresource: string;
  readonly query: string;
}

const some = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const anyMetadata = fc
  .record({
    labels: some<object>(
      MANAGED,
      MADE,
      { 'vsecm.com/managed': null },
      { ...MADE, 'app.kubernetes.io/managed-by': null },
      { app: 'x' },
    ),
    annotations: some<object>(CONSENT, { 'vsecm.com/allow-adoption': null }, { note: 'x' }),
    ownerReferences: some<object | null>(
      [owner()],
      [owner({ uid: '2', name: 'other' })],
      [owner({ blockOwnerDeletion: true })],
      [owner(), CONFIG_MAP],
      [CONFIG_MAP],
      [],
      null,
    ),
    finalizers: some<object | null>(HOLD, ['example.com/another'], [], null),
  })
  .map(given);
const anyMore = fc
  .record({
    stringData: some<object>({ key: 'mine' }, {}),
    data: some<object | null>({ theirs: null }, null),
    type: some('Opaque', 'kubernetes.io/service-account-token', 'helm.sh/release.v1'),
    immutable: some<boolean | null>(true, null),
  })
  .map(given);

// What the agent itself would send, in half of all cases: else next to nothing gets past the policy.
const metadata = fc.oneof(anyMetadata, fc.constantFrom<object>({ labels: MANAGED }, { labels: MADE }));
const more = fc.oneof(anyMore, fc.constantFrom<object>({ stringData: { key: 'mine' } }, {}));

export const attack: fc.Arbitrary<Attack> = fc.record({
  verb: fc.oneof(
    { weight: 5, arbitrary: fc.constant('apply' as const) },
    { weight: 4, arbitrary: fc.constant('merge' as const) },
    { weight: 3, arbitrary: fc.constant('delete' as const) },
    { weight: 3, arbitrary: fc.constantFrom('json' as const, 'post' as const) },
    { weight: 1, arbitrary: fc.constantFrom('put' as const, 'generate' as const, 'collection' as const) },
  ),
  metadata,
  more,
  subresource: fc.oneof(
    { weight: 12, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('/status', '/finalize', '/token') },
  ),
  query: fc.constantFrom(
    ...['', '', '', 'force=true', 'force=true', 'dryRun=All', 'fieldManager=other', 'force=true&dryRun=All'],
    ...['propagationPolicy=Orphan', 'propagationPolicy=Foreground', 'gracePeriodSeconds=0'],
  ),
});

/** Sends it. `known`: the Secret as it stands. */
export function send(
  agent: ApiClient,
  path: string,
  name: string,
  { verb, metadata, more, subresource, query }: Attack,
  known: Stored | undefined,
): Promise<ApiAnswer> {
  const body = { apiVersion: 'v1', kind: 'Secret', ...more, metadata: { name, ...metadata } };
  const params = new URLSearchParams(query);
  if (verb === 'apply' && !params.has('fieldManager')) params.set('fieldManager', 'vsecm-agent');
  if (verb !== 'apply') params.delete('force');
  const one = `${path}/${name}${subresource}?${params.toString()}`;
  switch (verb) {
    case 'apply':
      return agent.request('PATCH', one, body, { 'content-type': APPLY });
    case 'merge':
      return agent.request('PATCH', one, body, { 'content-type': MERGE });
    case 'json': {
      const operations = Object.entries({ ...metadata }).map(([field, value]) => ({
        op: value === null ? 'remove' : 'add',
        path: `/metadata/${field}`,
        ...(value !== null && { value }),
      }));
      return agent.request('PATCH', one, operations, { 'content-type': 'application/json-patch+json' });
    }
    case 'post':
      return agent.request('POST', `${path}?${params.toString()}`, body);
    case 'generate':
      return agent.request('POST', `${path}?${params.toString()}`, {
        ...body,
        metadata: { generateName: `${name}-`, ...metadata },
      });
    case 'put':
      return agent.request('PUT', one, {
        ...body,
        metadata: { ...metadata, name, resourceVersion: known?.metadata.resourceVersion },
      });
    case 'delete':
      return agent.request('DELETE', one);
    case 'collection':
      return agent.request('DELETE', `${path}?${params.toString()}`);
  }
}

/** Makes the victim; resolves to it. */
export async function prepare(
  admin: ApiClient,
  agent: ApiClient,
  path: string,
  name: string,
  victim: Victim,
): Promise<void> {
  if (victim.metadata === undefined) return;
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    stringData: { theirs: 'kept' },
    ...victim.more,
    metadata: { name, ...victim.metadata },
  };
  const applied = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: MANAGED },
    stringData: { mine: 'x' },
  };
  await (victim.byAgent === true ? agent : admin).ok('POST', path, body);
  for (const what of victim.since ?? []) {
    if (what === 'merged')
      await agent.ok('PATCH', `${path}/${name}?fieldManager=vsecm-agent`, applied, { 'content-type': APPLY });
    if (what === 'withdrawn')
      await admin.ok(
        'PATCH',
        `${path}/${name}`,
        { metadata: { annotations: { 'vsecm.com/allow-adoption': null } } },
        { 'content-type': MERGE },
      );
    if (what === 'deleted') await admin.ok('DELETE', `${path}/${name}`);
  }
}

/**
 * What went wrong in one step, by what was there before and after; `undefined`: nothing.
 * @param theirs somebody else made it
 */
export function judge(
  before: Stored | undefined,
  after: Stored | undefined,
  { theirs, refused, reachable }: { theirs: boolean; refused: boolean; reachable: boolean },
): string | undefined {
  if (
    before?.metadata.resourceVersion === after?.metadata.resourceVersion &&
    before?.metadata.uid === after?.metadata.uid
  )
    return undefined;
  if (refused) return 'a request that was refused, or a dry run, changed something';
  if (!reachable) return 'something changed in a namespace that is out of reach';
  const label = after?.metadata.labels?.['vsecm.com/managed'] === 'true';
  if (after !== undefined && !label) return 'it was written without the label';
  if (after?.type === 'kubernetes.io/service-account-token') return 'a token was written';
  if (before === undefined) {
    if ((after?.metadata.finalizers ?? []).length > 0) return 'it was made with a finalizer';
    return (after?.metadata.ownerReferences ?? []).every(mayOwn)
      ? undefined
      : 'it was made with a foreign owner';
  }
  const gone = after === undefined || after.metadata.uid !== before.metadata.uid;
  const going = after?.metadata.deletionTimestamp !== before.metadata.deletionTimestamp;
  if (theirs) {
    if (gone || going) return 'a Secret that somebody else made was deleted';
    if (before.metadata.annotations?.['vsecm.com/allow-adoption'] !== 'true')
      return 'it was changed without consent';
    if (after.metadata.labels?.['app.kubernetes.io/managed-by'] === 'vsecm-agent')
      return 'it was marked as made by the agent';
    if (!alike(before.metadata.ownerReferences, after.metadata.ownerReferences))
      return 'its owners were changed';
  }
  const owned = before.metadata.ownerReferences?.some(mayOwn) === true;
  if ((gone || going) && !owned) return 'one that outlives its VSecMSecret was deleted';
  if (gone) return undefined;
  if (after.type !== before.type) return 'its type was changed';
  return alike(holding(before), holding(after)) ? undefined : 'its finalizers were changed';
}

/** Those that the API server adds by itself, by how a deletion is asked for, do not count. */
const holding = ({ metadata }: Stored): string[] =>
  (metadata.finalizers ?? []).filter((one) => one !== 'foregroundDeletion' && one !== 'orphan');

const mayOwn = (owner: object): boolean => {
  const { kind, apiVersion, blockOwnerDeletion } = owner as Record<string, unknown>;
  return kind === 'VSecMSecret' && apiVersion === 'vsecm.com/v1alpha1' && blockOwnerDeletion !== true;
};

const alike = (a: readonly unknown[] = [], b: readonly unknown[] = []): boolean =>
  JSON.stringify(a.map((one) => JSON.stringify(one)).toSorted()) ===
  JSON.stringify(b.map((one) => JSON.stringify(one)).toSorted());

function given(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
