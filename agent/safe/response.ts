import { inspect } from 'node:util';
import { isProven } from './answer-proof.ts';
import { SafeError } from './error.ts';
import { SafeSecret } from './secret.ts';

/** All secrets of Safe by name, without `raw:`. */
export interface NamedAnswer {
  readonly kind: 'named';
  readonly secrets: ReadonlyMap<string, SafeSecret>;
}

/** A value of which neither name nor grants are known; printing it shows `[secret]`. */
export class UnnamedAnswer {
  readonly kind = 'unnamed';
  /** It has the shape of a list of secrets, and lacks the proof that it is Safe's. */
  readonly unproven: boolean;
  readonly #value: string;

  constructor(value: string, unproven = false) {
    this.unproven = unproven;
    this.#value = value;
  }

  get value(): string {
    return this.#value;
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

export type SafeAnswer = NamedAnswer | UnnamedAnswer;

/** The failure that a status other than 200 stands for. */
export function failureOfStatus(status: number, retryAfterMs?: number): SafeError {
  const code =
    status === 400 || status === 503 ? 'SafeNotReady' : status === 404 ? 'SafeHasNoSecrets' : 'SafeError';
  return new SafeError(code, { status, retryAfterMs });
}

/**
 * Reads an answer of VSecM Safe 0.28 to `GET /workload/v1/secrets`: JSON whose `data` is a string, which
 * holds the array of all secrets, or a value that stands alone.
 * @param proof SHA-256 of the placeholder's value, hex; without one every array of full shape is Safe's
 * @throws SafeError by status, `ResponseMalformed` where a 200 is not such an answer or its data is empty
 * (Safe says so when it cannot print one of its secrets; it never means that there are none).
 */
export function parseResponse(status: number, body: Uint8Array, proof?: string): SafeAnswer {
  if (status !== 200) throw failureOfStatus(status);
  const { data, created, updated } = parseEnvelope(body);
  // Only the answer to another workload has dates, and its value was never an array of Safe's making.
  const secrets = created === '' && updated === '' ? parseSecrets(data) : undefined;
  if (!secrets) return new UnnamedAnswer(data);
  if (proof !== undefined && !isProven(secrets, proof)) return new UnnamedAnswer(data, true);
  return { kind: 'named', secrets };
}

function parseEnvelope(body: Uint8Array): { data: string; created: string; updated: string } {
  const malformed = (cause: string): SafeError => new SafeError('ResponseMalformed', { status: 200, cause });
  if (body.byteLength === 0) throw malformed('EMPTY_BODY');
  let envelope: unknown;
  try {
    // Fatal: a replaced byte would end up inside a value.
    envelope = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    throw malformed('NOT_JSON');
  }
  const { data, created, updated, err } = (envelope ?? {}) as Record<string, unknown>;
  if (typeof data !== 'string' || typeof created !== 'string' || typeof updated !== 'string')
    throw malformed('NOT_SAFES_SHAPE');
  if (err !== undefined && err !== '') throw malformed('ANSWER_WITH_ERR');
  if (data === '') throw malformed('EMPTY_DATA');
  return { data, created, updated };
}

/**
 * The secrets of an array as Safe prints it, which has two elements or more. Anything else is somebody's
 * value: an element that is not of full shape, a name without `raw:`, a name that repeats (Safe keys its
 * secrets by name) each show that Safe did not write this array, so that none of it is taken for a grant.
 */
function parseSecrets(data: string): ReadonlyMap<string, SafeSecret> | undefined {
  if (!data.startsWith('[')) return undefined;
  let elements: unknown;
  try {
    elements = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!Array.isArray(elements) || elements.length < 2) return undefined;
  const secrets = new Map<string, SafeSecret>();
  for (const element of elements) {
    const secret = SafeSecret.from(element);
    if (!secret || secrets.has(secret.name)) return undefined;
    secrets.set(secret.name, secret);
  }
  return secrets;
}
