/** One of the causes of a Kubernetes Status, without its message, which repeats input. */
export interface KubeCause {
  /** Such as `FieldManagerConflict`, `NamespaceTerminating`, `FieldValueInvalid`. */
  reason: string;
  /** The field complained about, such as `data[a key]`; '' if the server names none. */
  field: string;
}

/** What is known of a failed request. */
export interface KubeErrorOptions {
  reason?: string;
  causes?: readonly KubeCause[];
  retryAfterMs?: number | undefined;
  code?: string;
  refusedBy?: RefusedBy | undefined;
}

/** What kind of thing refused a request that was understood. */
export type RefusedBy = 'rights' | 'quota' | 'policy' | 'webhook';

/** How the server's sentences begin (seen on kube-apiserver 1.37); nothing of them is kept. */
const REFUSALS: readonly (readonly [RefusedBy, RegExp])[] = [
  ['rights', /^[^"]*"[^"]*" is forbidden: User "/],
  ['quota', /^[^"]*"[^"]*" is forbidden: exceeded quota: /],
  ['policy', /^[^"]*"[^"]*" is forbidden: ValidatingAdmissionPolicy '/],
  ['webhook', /^(admission webhook "|Internal error occurred: failed calling webhook ")/],
];

/**
 * A request that the API server refused, or did not answer. The server's message is never kept: for a Secret it
 * quotes values. Reason, causes and codes are cut to the form of identifiers.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status, or the code of a Status that came as watch event; 0: no answer. */
  readonly status: number;
  /** The Status's reason, such as `Conflict`; '' if there is none. */
  readonly reason: string;
  readonly causes: readonly KubeCause[];
  /** How long the server asked to wait, milliseconds; at most LONGEST_WISH_MS. */
  readonly retryAfterMs: number | undefined;
  /**
   * Without a usable answer, why: a system, TLS or library code such as ECONNREFUSED, or `Timeout`, `ConnectTimeout`, `Aborted`,
   * `Silent` (nothing on a watch for too long), `CutOff` (in the middle of a line), `Malformed`, `TooLarge`, `NotSent` (the caller took it back, or its term ended), `KubeconfigInvalid`, `KubeconfigUnreadable`,
   * `ContextUnknown`, and of a kubeconfig's command `ExecNotFound`, `ExecFailed`, `ExecMalformed` (no ExecCredential of
   * the API version that was asked for), `ExecNeedsTerminal`.
   */
  readonly code: string | undefined;
  /** As far as the server's sentence tells. */
  readonly refusedBy: RefusedBy | undefined;

  constructor(status: number, options: KubeErrorOptions = {}) {
    const { reason = '', causes = [], retryAfterMs, code, refusedBy } = options;
    const what = [status === 0 ? 'no answer' : `status ${status}`, reason, code].filter(Boolean).join(', ');
    super(`Kubernetes API: ${what}`);
    this.status = status;
    this.reason = reason;
    this.causes = causes;
    this.retryAfterMs = retryAfterMs;
    this.code = code;
    this.refusedBy = refusedBy;
  }

  /** From a Status object: the body of an answer, or the object of an ERROR event. */
  static fromStatus(status: number, body: unknown, retryAfterHeader?: string): KubeError {
    const { reason, details, message } = record(body);
    const { causes, retryAfterSeconds } = record(details);
    return new KubeError(status, {
      reason: identifier(reason),
      causes: (Array.isArray(causes) ? causes : []).slice(0, MOST_CAUSES).map((cause) => ({
        reason: identifier(record(cause)['reason']),
        field: text(record(cause)['field']),
      })),
      retryAfterMs: seconds(retryAfterHeader) ?? seconds(retryAfterSeconds),
      refusedBy: REFUSALS.find(([, form]) => typeof message === 'string' && form.test(message))?.[0],
    });
  }

  /** From whatever a library threw before there was an answer. */
  static fromThrown(error: unknown): KubeError {
    return error instanceof KubeError ? error : new KubeError(0, { code: codeOf(error) });
  }

  /**
   * 401: the API server does not know who asks, so every request fails until the token is right again. 403 is about
   * what was asked for.
   */
  get unauthenticated(): boolean {
    return this.status === 401;
  }

  /** Whether one of the causes has this reason. */
  hasCause(reason: string): boolean {
    return this.causes.some((cause) => cause.reason === reason);
  }
}

const MOST_CAUSES = 32;
/**
 * kube-apiserver asks for 1 s, under priority and fairness for up to 32 s. What asks for more is a proxy, or means
 * somebody else, and what was repaired meanwhile is not to wait for it.
 */
export const LONGEST_WISH_MS = 60_000;
const LONGEST_FIELD = 256;

/** A short code for the log: the `code` of an error or of its cause, else its class; never its message. */
export function codeOf(error: unknown): string {
  const { code, cause, name } = record(error);
  return identifier(code) || identifier(record(cause)['code']) || identifier(name) || 'Unknown';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function identifier(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : '';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LONGEST_FIELD) : '';
}

/** Kubernetes writes Retry-After in seconds only; zero means that there is no wish. */
function seconds(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? Math.min(number * 1000, LONGEST_WISH_MS) : undefined;
}
