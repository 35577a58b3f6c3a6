import { metaOf } from './object-meta.ts';
import { refreshMark } from './refresh-mark.ts';
import { REFRESH_ANNOTATION, type VSecMSecretStatus } from './vsecmsecret.ts';

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

/** The Secret that a resource names, whether or not the rest of its spec is right. */
export function targetNameOf(resource: Resource): string {
  const name = (resource.spec as { target?: { name?: unknown } } | null | undefined)?.target?.name;
  return typeof name === 'string' && name !== '' ? name : resource.name;
}
