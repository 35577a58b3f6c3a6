import { inspect } from 'node:util';
import { parseInstant } from './instant.ts';

/** Safe's prefix for secrets that belong to no workload. */
const PREFIX = 'raw:';
/** Before every instant that RFC 3339 can name, so that such a secret has always been expired. */
const ALWAYS = -(10n ** 20n);

type Json = Readonly<Record<string, unknown>>;

/**
 * One stored secret of Safe. Value, transformed value and template are private, so that neither
 * `JSON.stringify` nor `inspect` nor a spread shows them. Instants are nanoseconds since the Unix epoch.
 *
 * A secret of which a date does not parse counts as expired: it fails those who use it and nobody else,
 * and registering it again is what heals it.
 */
export class SafeSecret {
  /** Without the first `raw:`; may hold dots, spaces, newlines, or be empty. */
  readonly name: string;
  readonly format: string;
  readonly namespaces: readonly string[];
  /** RFC 3339 as Safe printed them. */
  readonly created: string;
  readonly updated: string;
  readonly updatedAt: bigint;
  readonly notBefore: bigint;
  readonly expiresAfter: bigint;
  /** Which of its dates do not parse. */
  readonly unreadable: readonly string[];
  readonly #value: string;
  readonly #valueTransformed: string;
  readonly #template: string;

  private constructor(stored: Json, meta: Json, namespaces: readonly string[]) {
    this.name = (stored['name'] as string).slice(PREFIX.length);
    this.#value = stored['value'] as string;
    this.#valueTransformed = stored['valueTransformed'] as string;
    this.#template = meta['template'] as string;
    this.format = meta['Format'] as string;
    this.namespaces = Object.freeze([...namespaces]);
    this.created = stored['created'] as string;
    this.updated = stored['updated'] as string;
    const updatedAt = parseInstant(this.updated);
    const notBefore = parseInstant(stored['notBefore'] as string);
    const expiresAfter = parseInstant(stored['expiresAfter'] as string);
    this.unreadable = Object.entries({ updated: updatedAt, notBefore, expiresAfter }).flatMap(
      ([field, at]) => (at === undefined ? [field] : []),
    );
    this.updatedAt = updatedAt ?? ALWAYS;
    const readable = this.unreadable.length === 0;
    // Safe's clock sets notBefore when nobody does, a moment before `updated`. A node whose clock is behind
    // Safe's must not take that for a date that somebody wanted.
    this.notBefore = readable && notBefore !== undefined && notBefore > this.updatedAt ? notBefore : ALWAYS;
    this.expiresAfter = readable && expiresAfter !== undefined ? expiresAfter : ALWAYS;
  }

  /** The secret that an element of Safe's array describes; `undefined` if the element is not of the full recorded shape. */
  static from(element: unknown): SafeSecret | undefined {
    if (!isObject(element) || !isObject(element['meta'])) return undefined;
    const { meta } = element as { meta: Json };
    const namespaces: unknown = meta['namespaces'];
    const texts = [
      ...['name', 'value', 'valueTransformed', 'created', 'updated', 'notBefore', 'expiresAfter'].map(
        (field) => element[field],
      ),
      ...['template', 'Format', 'correlationId'].map((field) => meta[field]),
    ];
    if (!texts.every(isText) || !(element['name'] as string).startsWith(PREFIX)) return undefined;
    if (!Array.isArray(namespaces) || !namespaces.every(isText)) return undefined;
    return new SafeSecret(element, meta, namespaces);
  }

  /** Exactly what was registered. */
  get value(): string {
    return this.#value;
  }

  /** What Safe made of it by template and format; trimmed even where there is neither. */
  get valueTransformed(): string {
    return this.#valueTransformed;
  }

  get template(): string {
    return this.#template;
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

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
