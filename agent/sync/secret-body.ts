import type { Spec } from '../api/vsecmsecret.ts';
import type { Known } from './applied.ts';
import type { Desired } from '../resolve/desired.ts';
import { FIELD_MANAGER, MANAGED_BY_LABEL, MANAGED_LABEL, type Resource } from './resource.ts';

/** What the agent's field manager declares of a Secret. `over`: the version to write over; absent: it is to be created. */
export function secretBody(
  resource: Resource,
  target: Spec['target'],
  desired: Desired,
  over?: Known,
): object {
  const merges = target.creationPolicy === 'Merge';
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: target.name,
      namespace: resource.namespace,
      // The version guards against overwriting what was not seen; the uid against bringing back a deleted Secret.
      ...(over && { uid: over.uid, resourceVersion: over.resourceVersion }),
      labels: {
        ...Object.fromEntries(desired.labels),
        [MANAGED_LABEL]: 'true',
        ...((!over || over.createdByAgent) && { [MANAGED_BY_LABEL]: FIELD_MANAGER }),
      },
      annotations: Object.fromEntries(desired.annotations),
      // What somebody else made outlives the resource.
      ...(target.creationPolicy === 'Owner' &&
        (!over || over.createdByAgent) && { ownerReferences: [ownerReference(resource)] }),
    },
    ...(!merges && { type: target.type }),
    ...(target.immutable && { immutable: true }),
    data: Object.fromEntries(
      [...desired.data].map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}

/** An apply of nothing: gives back what the last one took. */
export function emptyBody(namespace: string, name: string, { uid, resourceVersion }: Known): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name, uid, resourceVersion } };
}

/** Without `blockOwnerDeletion`: nothing of the agent's ever holds up a deletion. */
function ownerReference({ name, uid }: Resource): object {
  return { apiVersion: 'vsecm.com/v1alpha1', kind: 'VSecMSecret', name, uid, controller: true };
}
