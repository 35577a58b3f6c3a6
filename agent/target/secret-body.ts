import type { Spec } from '../api/vsecmsecret.ts';
import type { Resource } from '../api/resource.ts';
import { REVISION_ANNOTATION } from '../api/restart.ts';
import { FIELD_MANAGER, MANAGED_BY_LABEL, MANAGED_LABEL, type SecretMeta } from '../api/secret-meta.ts';
import type { Desired } from '../resolve/desired.ts';

/**
 * A version that never was: an apply with it creates where nothing is, and is a conflict where anything is (seen on
 * kube-apiserver 1.37).
 */
const NEVER = '1';

/**
 * What the agent's field manager declares of a Secret. `over`: the version to write over; absent: it is to be created.
 * `revision`: of the content, if that is counted.
 */
export function secretBody(
  resource: Resource,
  target: Spec['target'],
  desired: Desired,
  over?: Pick<SecretMeta, 'uid' | 'resourceVersion' | 'createdByAgent' | 'ownerUids' | 'controllerUid'>,
  revision?: number,
): object {
  const merges = target.creationPolicy === 'Merge';
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: target.name,
      namespace: resource.namespace,
      // The version guards against overwriting what was not seen; the uid against bringing back a deleted Secret.
      ...(over ? { uid: over.uid, resourceVersion: over.resourceVersion } : { resourceVersion: NEVER }),
      labels: {
        ...Object.fromEntries(desired.labels),
        [MANAGED_LABEL]: 'true',
        ...((!over || over.createdByAgent) && { [MANAGED_BY_LABEL]: FIELD_MANAGER }),
      },
      annotations: {
        ...Object.fromEntries(desired.annotations),
        ...(revision !== undefined && { [REVISION_ANNOTATION]: String(revision) }),
      },
      // What somebody else made outlives the resource. An owner that is there stays as it is, also where the label was changed.
      ...(target.creationPolicy === 'Owner' &&
        (!over || over.createdByAgent || over.ownerUids.includes(resource.uid)) && {
          ownerReferences: [ownerReference(resource, over?.controllerUid === resource.uid)],
        }),
    },
    ...(!merges && { type: target.type }),
    ...(target.immutable && { immutable: true }),
    data: Object.fromEntries(
      [...desired.data].map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}

/**
 * Without `blockOwnerDeletion`: nothing of the agent's ever holds up a deletion. An owner, not a controller: garbage
 * collection needs no more, and a Secret that has a controller takes no second one (seen: 422). Where an
 * earlier agent made it the controller it stays so: on what somebody else made, the policy refuses any change of owners.
 */
function ownerReference({ name, uid }: Resource, controller: boolean): object {
  return {
    apiVersion: 'vsecm.com/v1alpha1',
    kind: 'VSecMSecret',
    name,
    uid,
    ...(controller && { controller }),
  };
}
