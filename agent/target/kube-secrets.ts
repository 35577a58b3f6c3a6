import { metaOf } from '../api/object-meta.ts';
import { parseSecretMeta, FIELD_MANAGER, type SecretMeta } from '../api/secret-meta.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/error.ts';
import { METADATA } from '../kube/media-type.ts';
import { SecretApiError, type Guard, type SecretApi } from './secret-api.ts';

const secretPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;

/**
 * A request that changes something is given up after so long, milliseconds: well before the handoff delay, after which
 * another agent may be writing, and late enough for the server to tell of an admission webhook that hangs, which it gives
 * 10 s by default.
 */
const MUTATION_MS = 12_000;

/** Secrets on the API server, metadata only: their values are sent, and read by `differs` alone. */
export function secretApi(client: KubeClient, clock: Clock): SecretApi {
  const secretMetaOf = (object: unknown): SecretMeta => {
    const meta = parseSecretMeta(object, clock.now());
    if (!meta) throw new SecretApiError('unavailable', { reason: 'Malformed' });
    return meta;
  };
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      throw refusalOf(error);
    }
  };
  return {
    async get(namespace, name) {
      try {
        const path = secretPath(namespace, name);
        return await asking(async () =>
          secretMetaOf(await client.request({ method: 'GET', path, accept: METADATA })),
        );
      } catch (error) {
        if ((error as SecretApiError).refusal === 'missing') return undefined;
        throw error;
      }
    },
    async differs(namespace, name, data) {
      try {
        const path = secretPath(namespace, name);
        return await asking(async () => {
          const object = await client.request({ method: 'GET', path });
          return { meta: secretMetaOf(object), differs: isOther(object, data) };
        });
      } catch (error) {
        if ((error as SecretApiError).refusal === 'missing') return undefined;
        throw error;
      }
    },
    apply(namespace, name, body, { force, guard }) {
      return asking(async () => {
        const { created, object } = await client.apply(secretPath(namespace, name), body, {
          fieldManager: FIELD_MANAGER,
          force,
          metadataOnly: true,
          ...mutation(guard),
        });
        return { created, meta: secretMetaOf(object) };
      });
    },
    delete({ namespace, name, uid, resourceVersion }, guard) {
      return asking(async () => {
        await client.request({
          method: 'DELETE',
          path: secretPath(namespace, name),
          body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
          accept: METADATA,
          ...mutation(guard),
        });
      });
    },
  };
}

function isOther(object: unknown, wanted: ReadonlyMap<string, Uint8Array>): boolean {
  const { data = {} } = object as { data?: Record<string, string> };
  const ours = metaOf(object)?.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === FIELD_MANAGER && operation === 'Apply' && !subresource,
  );
  const fields = (ours?.fieldsV1 ?? {}) as { 'f:data'?: object };
  const surplus = Object.keys(fields['f:data'] ?? {}).some(
    (field) => field !== '.' && !wanted.has(field.replace(/^f:/, '')),
  );
  return surplus || [...wanted].some(([key, value]) => data[key] !== Buffer.from(value).toString('base64'));
}

const mutation = (guard: Guard) => ({ timeoutMs: MUTATION_MS, mayLeave: guard });

/** Fields that a message names: who mends so many looks again. */
const MOST_FIELDS = 10;
/** A key of the data may be what a member of an object is called, and that a secret. */
const withoutMember = (field: string): string => field.replace(/^(\.?(?:data|stringData))[.[].*$/s, '$1[…]');

/** Tells the answers apart as seen on kube-apiserver 1.37: reason, causes and status, never a message. */
export function refusalOf(error: unknown): SecretApiError {
  if (error instanceof SecretApiError) return error;
  if (!(error instanceof KubeError)) throw error;
  const { status, reason, causes, retryAfterMs, code, refusedBy: by } = error;
  const fields = causes.map((cause) => cause.field).filter((field) => field !== '');
  const told = [...new Set(fields.map(withoutMember))].slice(0, MOST_FIELDS);
  const details = { reason: code ?? (reason || String(status)), retryAfterMs, by, fields: told };
  if (code === 'NotSent') return new SecretApiError('guarded');
  // A webhook chooses its status; one that fails, with 500, does so for some namespaces and not as a server does.
  if (by === 'webhook' && status !== 403) return new SecretApiError('invalid', details);
  if (error.hasCause('NamespaceTerminating')) return new SecretApiError('terminating', details);
  if (error.hasCause('FieldManagerConflict')) return new SecretApiError('field-conflict', details);
  if (status === 404) return new SecretApiError('missing', details);
  if (status === 409) return new SecretApiError('stale', details);
  if (status === 401) return new SecretApiError('unauthorized', details);
  if (status === 403) return new SecretApiError('forbidden', details);
  if (status === 422) {
    // A uid of another object: the Secret was deleted and made anew.
    if (causes.some((cause) => cause.field === 'metadata.uid')) return new SecretApiError('stale', details);
    if (error.hasCause('FieldValueTooLong')) return new SecretApiError('too-large', details);
    // Of an immutable Secret the server names `data`, or `immutable` itself, and nothing within.
    if (['type', 'data', 'immutable'].some((field) => fields.includes(field)))
      return new SecretApiError('immutable', details);
    return new SecretApiError('invalid', details);
  }
  if (status === 400 || status === 413) return new SecretApiError('invalid', details);
  return new SecretApiError('unavailable', details);
}
