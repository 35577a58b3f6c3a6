import { FIELD_MANAGER } from '../api/secret-meta.ts';
import { GROUP, PLURAL, VERSION } from '../api/vsecmsecret.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/error.ts';
import type { PostEvent } from './events.ts';
import type { PutStatus } from './status-writer.ts';

/** A status that is not written within so long is tried again, milliseconds. */
const MUTATION_MS = 10_000;

/**
 * Writes statuses by server-side apply, so that no field of anybody else is touched.
 * @param mayWrite asked right before the bytes leave: a status may have waited while others took over
 */
export function statusApi(client: KubeClient, mayWrite: (key: string, uid: string) => boolean): PutStatus {
  return async ({ key, namespace, name, uid }, status) => {
    const path = `/apis/${GROUP}/${VERSION}/namespaces/${encodeURIComponent(namespace)}/${PLURAL}/${encodeURIComponent(name)}`;
    const body = {
      apiVersion: `${GROUP}/${VERSION}`,
      kind: 'VSecMSecret',
      // The uid: a resource that was made anew under the same name has a status of its own.
      metadata: { namespace, name, uid },
      status,
    };
    try {
      await client.apply(path, body, {
        fieldManager: FIELD_MANAGER,
        force: true,
        subresource: 'status',
        metadataOnly: true,
        timeoutMs: MUTATION_MS,
        mayLeave: () => mayWrite(key, uid),
      });
      return true;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      const { status: answer, code } = error;
      const otherUid = answer === 422 && error.causes.some(({ field }) => field === 'metadata.uid');
      const gone = answer === 404 || answer === 409 || otherUid || error.hasCause('NamespaceTerminating');
      if (gone || code === 'NotSent') return false;
      throw error;
    }
  };
}

/** Posts Events. */
export function eventApi(client: KubeClient): PostEvent {
  return async (namespace, body) => {
    await client.request({
      method: 'POST',
      path: `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`,
      body: body as object,
    });
  };
}
