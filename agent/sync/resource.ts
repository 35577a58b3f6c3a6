import { refreshMark } from '../api/refresh-mark.ts';
import { REFRESH_ANNOTATION, type VSecMSecretStatus } from '../api/vsecmsecret.ts';

/** Annotation by which whoever may write a Secret lets the agent take it over. */
export const ADOPTION_ANNOTATION = 'vsecm.com/allow-adoption';
/** Label that selects the Secrets the agent writes. */
export const MANAGED_LABEL = 'vsecm.com/managed';
/** Label by which the field's tools tell who manages an object. */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
/** Field manager of all the agent's applies. */
export const FIELD_MANAGER = 'vsecm-agent';

/** What the agent keeps in memory of a VSecMSecret. */
export interface Resource {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly deleting: boolean;
  /** Value of the refresh annotation, or `''`. */
  readonly refresh: string;
  readonly spec: unknown;
  readonly status: VSecMSecretStatus;
}

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
   * When field manager `vsecm-agent` last changed it by apply, RFC 3339; `''` if it owns fields that it never
   * changed (seen on kube-apiserver 1.37: such an entry has no time); absent if it never applied anything.
   */
  readonly appliedAt: string | undefined;
  /** A field manager other than the agents' owns something in it. */
  readonly othersWrite: boolean;
  /** UIDs of the VSecMSecrets that own it. */
  readonly ownerUids: readonly string[];
  readonly deleting: boolean;
  /** When this agent first saw this version, Unix milliseconds. */
  readonly seenAt: number;
}

interface ObjectMeta {
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion?: string; kind?: string; uid?: string }[];
  managedFields?: { manager?: string; operation?: string; subresource?: string; time?: string }[];
}

function metaOf(
  object: unknown,
): (ObjectMeta & { namespace: string; name: string; uid: string; resourceVersion: string }) | undefined {
  const metadata = (object as { metadata?: ObjectMeta } | null)?.metadata;
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  if (!namespace || !name || !uid || !resourceVersion) return undefined;
  return { ...metadata, namespace, name, uid, resourceVersion };
}

/** Takes from a VSecMSecret what the agent keeps; `undefined` for what is not a whole object. */
export function parseResource(object: unknown): Resource | undefined {
  const meta = metaOf(object);
  if (!meta) return undefined;
  const { spec, status } = object as { spec?: unknown; status?: VSecMSecretStatus };
  return {
    key: `${meta.namespace}/${meta.name}`,
    namespace: meta.namespace,
    name: meta.name,
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    generation: meta.generation ?? 0,
    createdAt: meta.creationTimestamp ?? '',
    deleting: meta.deletionTimestamp !== undefined,
    refresh: refreshMark(meta.annotations?.[REFRESH_ANNOTATION] ?? ''),
    spec,
    status: status ?? {},
  };
}

/**
 * Takes from a Secret's metadata what the agent keeps.
 * @param seenAt Unix milliseconds
 */
export function parseSecretMeta(object: unknown, seenAt: number): SecretMeta | undefined {
  const meta = metaOf(object);
  if (!meta) return undefined;
  const managers = meta.managedFields ?? [];
  const ours = managers.find(
    (entry) => entry.manager === FIELD_MANAGER && entry.operation === 'Apply' && !entry.subresource,
  );
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
    othersWrite: managers.some((entry) => entry.manager !== FIELD_MANAGER),
    ownerUids: (meta.ownerReferences ?? [])
      .filter(
        (owner) => owner.kind === 'VSecMSecret' && owner.apiVersion?.startsWith('vsecm.com/') && owner.uid,
      )
      .map((owner) => owner.uid as string),
    deleting: meta.deletionTimestamp !== undefined,
    seenAt,
  };
}

/**
 * Whether `a` is an older version than `b`. Resource versions of one kind are ordered integers
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions); anything else is taken as not older.
 */
export function isOlderVersion(a: string, b: string): boolean {
  if (!/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
