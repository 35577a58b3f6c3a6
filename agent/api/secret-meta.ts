import { hash } from 'node:crypto';
import { fingerprint } from '../fingerprint.ts';
import { metaOf, type ManagedFields, type ObjectMeta } from './object-meta.ts';
import { REVISION_ANNOTATION } from './restart.ts';

/** Annotation by which whoever may write a Secret lets the agent take it over. */
export const ADOPTION_ANNOTATION = 'vsecm.com/allow-adoption';
/** Label that selects the Secrets the agent writes. */
export const MANAGED_LABEL = 'vsecm.com/managed';
/** Label by which the field's tools tell who manages an object. */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** Field manager of all the agent's applies. */
export const FIELD_MANAGER = 'vsecm-agent';

/** What the agent keeps in memory of a Secret: names and versions, never annotations, which may hold values. */
export interface SecretMeta {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Carries the label that marks what agents write. */
  readonly managed: boolean;
  /** Carries `app.kubernetes.io/managed-by: vsecm-agent`, which only Secrets get that an agent created. */
  readonly createdByAgent: boolean;
  /** Whoever may write it lets the agent take it over. */
  readonly adoptable: boolean;
  /**
   * When field manager `vsecm-agent` last changed it by apply, RFC 3339 in whole seconds; `''` if it owns fields that
   * it never changed (seen on kube-apiserver 1.37: such an entry has no time); absent if it never applied anything.
   */
  readonly appliedAt: string | undefined;
  /** Digest of which fields that manager owns; `''`: none. Who takes one over changes it and not `appliedAt`. */
  readonly ours: string;
  /**
   * Digest of what no agent ever changes: the other managers' entries, finalizers, deletion, and the labels and
   * annotations that are not ours, since entries are dated by whole seconds. Keyed: annotations may hold values.
   */
  readonly others: string;
  /** The other field manager that changed it last; `''`: none. */
  readonly lastOther: string;
  /** UIDs of the VSecMSecrets that own it. */
  readonly ownerUids: readonly string[];
  /** The one among them that is its controller, as earlier agents made it; absent: none. */
  readonly controllerUid?: string;
  readonly deleting: boolean;
  /** How often its content changed; absent where nobody counts. */
  readonly revision?: number;
  /** When this agent first saw this version, Unix milliseconds. */
  readonly seenAt: number;
}

/** A real uid has 36 characters; the API server takes any that somebody writes, of a megabyte too. */
const UID_LENGTH = 64;
/** Agents set one. */
const MOST_OWNERS = 16;

/**
 * Takes from a Secret's metadata what the agent keeps.
 * @param seenAt Unix milliseconds
 */
export function parseSecretMeta(object: unknown, seenAt: number): SecretMeta | undefined {
  const meta = metaOf(object);
  if (!meta) return undefined;
  const entries = meta.managedFields ?? [];
  const ours = entries.find(
    (entry) => entry.manager === FIELD_MANAGER && entry.operation === 'Apply' && !entry.subresource,
  );
  const others = entries.filter((entry) => entry !== ours);
  const owners = ownersOf(meta.ownerReferences);
  const controllerUid = owners.find(({ controller }) => controller)?.uid;
  return {
    key: `${meta.namespace}/${meta.name}`,
    namespace: meta.namespace,
    name: meta.name,
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    managed: meta.labels?.[MANAGED_LABEL] === 'true',
    createdByAgent: meta.labels?.[MANAGED_BY_LABEL] === FIELD_MANAGER,
    adoptable: meta.annotations?.[ADOPTION_ANNOTATION] === 'true',
    appliedAt: ours && (ours.time ?? ''),
    ours: ours ? digest(ours.fieldsV1) : '',
    others: fingerprint([
      JSON.stringify([
        others,
        meta.finalizers,
        meta.deletionTimestamp,
        withoutOurs(meta.labels, ours, 'f:labels'),
        withoutOurs(meta.annotations, ours, 'f:annotations'),
      ]),
    ]).slice(0, 16),
    lastOther: latest(others)?.manager ?? '',
    ownerUids: owners.map(({ uid }) => uid),
    ...(controllerUid !== undefined && { controllerUid }),
    deleting: meta.deletionTimestamp !== undefined,
    ...revisionIn(meta.annotations?.[REVISION_ANNOTATION]),
    seenAt,
  };
}

function ownersOf(references: ObjectMeta['ownerReferences'] = []): { uid: string; controller: boolean }[] {
  return references
    .flatMap(({ kind, apiVersion, uid, controller }) =>
      kind === 'VSecMSecret' && apiVersion?.startsWith('vsecm.com/') && uid && uid.length <= UID_LENGTH
        ? [{ uid, controller: controller === true }]
        : [],
    )
    .slice(0, MOST_OWNERS);
}

/** A number that numbers hold exactly; anything else is nobody's count. */
const revisionIn = (text: string | undefined): { revision?: number } =>
  text !== undefined && /^[1-9][0-9]{0,14}$/.test(text) ? { revision: Number(text) } : {};

const digest = (value: unknown): string =>
  hash('sha1', JSON.stringify(value) ?? '', 'base64url').slice(0, 16);

/** The labels or annotations that are not among the fields of an entry (https://kubernetes.io/docs/reference/using-api/server-side-apply/). */
function withoutOurs(
  texts: Readonly<Record<string, string>> = {},
  entry: ManagedFields | undefined,
  list: 'f:labels' | 'f:annotations',
): [string, string][] {
  const fields = entry?.fieldsV1 as { 'f:metadata'?: Record<string, object> } | undefined;
  const ours = fields?.['f:metadata']?.[list] ?? {};
  return Object.entries(texts).filter(([name]) => !Object.hasOwn(ours, `f:${name}`));
}

const latest = (entries: readonly ManagedFields[]): ManagedFields | undefined =>
  entries.reduce<ManagedFields | undefined>(
    (found, one) => (found && (found.time ?? '') > (one.time ?? '') ? found : one),
    undefined,
  );
