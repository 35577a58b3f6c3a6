import { metaOf } from './object-meta.ts';
import { refreshMark } from './refresh-mark.ts';
import type { KeptSpec, SpecRoom } from './spec-room.ts';
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
  readonly spec: KeptSpec;
  /** The Secret that it names, whether or not the rest of its spec is right. */
  readonly targetName: string;
  readonly status: VSecMSecretStatus;
}

/**
 * Takes from a VSecMSecret what the agent keeps; `undefined` for what is not a whole object.
 * @param room where its spec is kept
 */
export function parseResource(object: unknown, room: Pick<SpecRoom, 'keep'>): Resource | undefined {
  const meta = metaOf(object);
  if (!meta) return undefined;
  const { spec, status } = object as { spec?: unknown; status?: VSecMSecretStatus };
  const key = `${meta.namespace}/${meta.name}`;
  return {
    key,
    namespace: meta.namespace,
    name: meta.name,
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    generation: meta.generation ?? 0,
    createdAt: meta.creationTimestamp ?? '',
    deleting: meta.deletionTimestamp !== undefined,
    refresh: refreshMark(meta.annotations?.[REFRESH_ANNOTATION] ?? ''),
    spec: room.keep(key, spec),
    targetName: targetNameOf(spec) ?? meta.name,
    status: sharing(status ?? {}),
  };
}

/** A condition says what the failure says: once in memory is enough. */
function sharing(status: VSecMSecretStatus): VSecMSecretStatus {
  const { failure } = status;
  for (const condition of failure ? (status.conditions ?? []) : [])
    if (condition.message === failure?.message) condition.message = failure.message;
  return status;
}

function targetNameOf(spec: unknown): string | undefined {
  const name = (spec as { target?: { name?: unknown } } | null | undefined)?.target?.name;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
