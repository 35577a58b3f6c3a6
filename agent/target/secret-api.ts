import { Failure, type Code, type HintContext } from '../api/reasons.ts';
import type { SecretMeta } from '../api/secret-meta.ts';

/** Asked right before a request's bytes leave: whether what it was decided on is still so. */
export type Guard = () => boolean;

/** What the target needs of the API server; answers that are not successes arrive as `SecretApiError`. */
export interface SecretApi {
  /** Metadata of a Secret by a quorum, so as new as anything that was seen before; `undefined` if there is none. */
  get(namespace: string, name: string): Promise<SecretMeta | undefined>;
  /**
   * Whether a Secret holds other content than `data`: another value of a key, or a key of the agents' that is not among
   * it. The one request that reads values, and only where a change of them restarts something. `undefined`: there is none.
   */
  differs(
    namespace: string,
    name: string,
    data: ReadonlyMap<string, Uint8Array>,
  ): Promise<{ readonly meta: SecretMeta; readonly differs: boolean } | undefined>;
  /** Server-side apply as `vsecm-agent`, metadata back. `created` tells a 201 from a 200. */
  apply(
    namespace: string,
    name: string,
    body: object,
    options: { force: boolean; guard: Guard },
  ): Promise<{ created: boolean; meta: SecretMeta }>;
  /** Deletes exactly this version of this Secret. */
  delete(meta: SecretMeta, guard: Guard): Promise<void>;
}

/** A refusal of the API server that the decision tells apart. */
export type Refusal =
  /** The guard said no: nothing was sent. */
  | 'guarded'
  | 'stale'
  | 'missing'
  | 'field-conflict'
  | 'forbidden'
  | 'terminating'
  | 'immutable'
  | 'too-large'
  | 'invalid'
  | 'unauthorized'
  | 'unavailable';

export interface RefusalDetails {
  /** Fields that the server complained about. */
  fields?: readonly string[];
  /** What kind of thing refused, as far as the answer tells. */
  by?: 'rights' | 'quota' | 'policy' | 'webhook' | undefined;
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

const REFUSED_BY = {
  rights: "the agent's rights do not reach so far",
  quota: 'a quota of the namespace is used up',
  policy: 'an admission policy refuses it',
  webhook: 'an admission webhook refuses it, or fails',
} as const;

/**
 * What a refused request about a Secret means for the resource. `stale`: it is not as it was known.
 * @param theirs the Secret is somebody else's, who lets the agent write into it
 */
export function meaningOf(
  { refusal, details }: SecretApiError,
  secret: string,
  context: HintContext,
  theirs: boolean,
): Failure | 'stale' | 'terminating' {
  const { fields = [], by, retryAfterMs, reason = refusal } = details;
  const failure = (code: Code, message: string): Failure =>
    new Failure(code, message, {
      context: { ...context, theirs, refusedBy: by },
      reason,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  switch (refusal) {
    case 'terminating':
      return refusal;
    case 'guarded':
    case 'stale':
    case 'missing':
      return 'stale';
    case 'field-conflict':
      return failure(
        'TargetConflict',
        `somebody else holds fields of Secret ${secret}; it was left as it is`,
      );
    case 'forbidden':
      return failure(
        'WriteForbidden',
        `the API server forbids writing Secret ${secret}${by ? `: ${REFUSED_BY[by]}` : ''}`,
      );
    case 'unauthorized':
      return failure('ApiUnavailable', "the API server does not accept the agent's token at present");
    case 'unavailable':
      return failure('ApiUnavailable', `the API server did not take the write of Secret ${secret}`);
    case 'too-large':
      return failure(
        'SecretTooLarge',
        `Secret ${secret} would exceed 1 MiB together with what others keep in it`,
      );
    case 'immutable':
      return failure(
        'TargetImmutable',
        fields.includes('type')
          ? `Secret ${secret} has another type, and types cannot change`
          : `Secret ${secret} is immutable, and its content would change`,
      );
    case 'invalid':
      return failure(
        'WriteRejected',
        by
          ? `the API server rejects Secret ${secret}: ${REFUSED_BY[by]}`
          : `the API server rejects Secret ${secret} as invalid${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`,
      );
  }
}
