import { Failure, type HintContext } from '../api/reasons.ts';
import type { SecretMeta } from './resource.ts';

/** What writing Secrets needs of the API server; answers that are not successes arrive as `SecretApiError`. */
export interface SecretApi {
  /** Metadata of a Secret, from the server's cache; `undefined` if there is none. */
  look(namespace: string, name: string): Promise<SecretMeta | undefined>;
  /** Server-side apply as `vsecm-agent`, metadata back. `created` tells a 201 from a 200. */
  apply(
    namespace: string,
    name: string,
    body: unknown,
    force: boolean,
  ): Promise<{ created: boolean; meta: SecretMeta }>;
  /** Deletes exactly this version of this Secret. */
  delete(meta: SecretMeta): Promise<void>;
}

/** A refusal of the API server that the write protocol tells apart. */
export type Refusal =
  | 'stale'
  | 'field-conflict'
  | 'forbidden'
  | 'terminating'
  | 'invalid'
  | 'missing'
  | 'unavailable';

export interface RefusalDetails {
  /** Fields that the server complained about, for `invalid`. */
  fields?: readonly string[];
  /** The server asked to wait this long, milliseconds. */
  retryAfterMs?: number | undefined;
  /** A system's code or the server's reason, for the log. */
  reason?: string | undefined;
}

export class SecretApiError extends Error {
  override readonly name = 'SecretApiError';
  readonly refusal: Refusal;
  readonly details: RefusalDetails;

  constructor(refusal: Refusal, details: RefusalDetails = {}) {
    super(`the API server refused: ${refusal}`);
    this.refusal = refusal;
    this.details = details;
  }
}

/** The Secret is not as it was when the write was decided: look again, with a fresh answer of Safe. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
  readonly code = 'Conflict';
}

/** The namespace is being deleted: nothing more is to be done there. */
export class NamespaceTerminating extends Error {
  override readonly name = 'NamespaceTerminating';
}

export function targetConflict(target: string, context: HintContext): Failure {
  return new Failure(
    'TargetConflict',
    `Secret ${target} exists and belongs to somebody else; it was left as it is`,
    { context },
  );
}

/** What a refused write means for the resource. */
export function meaningOf({ refusal, details }: SecretApiError, target: string, context: HintContext): Error {
  const { fields = [], retryAfterMs, reason = refusal } = details;
  const options = { context, reason };
  switch (refusal) {
    case 'stale':
    case 'missing':
      return new Conflict('the Secret changed meanwhile');
    case 'terminating':
      return new NamespaceTerminating('the namespace is being deleted');
    case 'field-conflict':
      return targetConflict(target, context);
    case 'forbidden':
      return new Failure('WriteForbidden', `the API server forbids writing Secret ${target}`, options);
    case 'unavailable':
      return new Failure('ApiUnavailable', `the API server did not take the write of Secret ${target}`, {
        ...options,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    case 'invalid':
      if (fields.includes('type'))
        return new Failure(
          'TargetImmutable',
          `Secret ${target} has another type, and types cannot change`,
          options,
        );
      // Of an immutable Secret the server names `data`, or `immutable` itself, and nothing within.
      if (fields.includes('data') || fields.includes('immutable')) {
        return new Failure(
          'TargetImmutable',
          `Secret ${target} is immutable, and its content would change`,
          options,
        );
      }
      return new Failure(
        'WriteRejected',
        `the API server rejects Secret ${target} as invalid${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`,
        options,
      );
  }
}
