import type { Clock } from '../clock.ts';
import { GROUP, PLURAL, VERSION } from '../api/vsecmsecret.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/error.ts';
import { METADATA } from '../kube/media-type.ts';
import type { PostEvent } from './events.ts';
import { FIELD_MANAGER, parseSecretMeta, type SecretMeta } from './resource.ts';
import { SecretApiError, type SecretApi } from './secret-api.ts';
import type { PutStatus } from './status-writer.ts';

const secretPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;

/** Secrets on the API server, metadata only: their values are sent and never read. */
export function secretApi(client: KubeClient, clock: Clock): SecretApi {
  const metaOf = (object: unknown): SecretMeta => {
    const meta = parseSecretMeta(object, clock.now());
    if (!meta) throw new SecretApiError('unavailable', { reason: 'Malformed' });
    return meta;
  };
  return {
    async look(namespace, name) {
      try {
        // Version 0 is served from the API server's cache; what it lacks, the write that follows finds out.
        const object = await client.request({
          method: 'GET',
          path: secretPath(namespace, name),
          query: { resourceVersion: '0' },
          accept: METADATA,
        });
        return metaOf(object);
      } catch (error) {
        const refused = refusalOf(error);
        if (refused.refusal === 'missing') return undefined;
        throw refused;
      }
    },
    async apply(namespace, name, body, force) {
      try {
        const { created, object } = await client.apply(secretPath(namespace, name), body as object, {
          fieldManager: FIELD_MANAGER,
          force,
          metadataOnly: true,
        });
        return { created, meta: metaOf(object) };
      } catch (error) {
        throw refusalOf(error);
      }
    },
    async delete({ namespace, name, uid, resourceVersion }) {
      try {
        await client.request({
          method: 'DELETE',
          path: secretPath(namespace, name),
          body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
          accept: METADATA,
        });
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}

/** Writes statuses by server-side apply, so that no field of anybody else is touched. */
export function statusApi(client: KubeClient): PutStatus {
  return async (resource, status) => {
    const path = `/apis/${GROUP}/${VERSION}/namespaces/${encodeURIComponent(resource.namespace)}/${PLURAL}/${encodeURIComponent(resource.name)}`;
    const body = {
      apiVersion: `${GROUP}/${VERSION}`,
      kind: 'VSecMSecret',
      // The uid: a resource that was made anew under the same name has a status of its own.
      metadata: { namespace: resource.namespace, name: resource.name, uid: resource.uid },
      status,
    };
    try {
      await client.apply(path, body, {
        fieldManager: FIELD_MANAGER,
        force: true,
        subresource: 'status',
        metadataOnly: true,
      });
      return true;
    } catch (error) {
      const { refusal } = refusalOf(error);
      if (refusal === 'missing' || refusal === 'stale' || refusal === 'terminating') return false;
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

/** Tells the answers apart as seen on kube-apiserver 1.37: reason, causes and status, never a message. */
function refusalOf(error: unknown): SecretApiError {
  if (error instanceof SecretApiError) return error;
  if (!(error instanceof KubeError)) throw error;
  const { status, reason, causes, retryAfterMs } = error;
  const details = { reason: error.code ?? (reason || String(status)), retryAfterMs };
  // Taken back: this agent has nothing more to say about it.
  if (error.code === 'NotSent') return new SecretApiError('stale', details);
  if (error.hasCause('NamespaceTerminating')) return new SecretApiError('terminating', details);
  if (error.hasCause('FieldManagerConflict')) return new SecretApiError('field-conflict', details);
  if (status === 404) return new SecretApiError('missing', details);
  if (status === 409) return new SecretApiError('stale', details);
  if (status === 403 || status === 401) return new SecretApiError('forbidden', details);
  if (status === 422) {
    // A uid of another object: the Secret was deleted and made anew.
    if (causes.some((cause) => cause.field === 'metadata.uid')) return new SecretApiError('stale', details);
    return new SecretApiError('invalid', {
      ...details,
      fields: causes.map((cause) => cause.field).filter((field) => field !== ''),
    });
  }
  if (status === 400 || status === 413) return new SecretApiError('invalid', details);
  return new SecretApiError('unavailable', details);
}
