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
 * another agent may be writing.
 */
const MUTATION_MS = 10_000;

/** Secrets on the API server, metadata only: their values are sent and never read. */
export function secretApi(client: KubeClient, clock: Clock): SecretApi {
  const metaOf = (object: unknown): SecretMeta => {
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
          metaOf(await client.request({ method: 'GET', path, accept: METADATA })),
        );
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
        return { created, meta: metaOf(object) };
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
