import type { DataEntry } from '../api/entry.ts';
import type { Ref } from '../api/ref.ts';
import { firstBroken } from '../api/rule.ts';
import { SECRET_KEY_RULES } from '../api/syntax.ts';
import type { Budget } from './budget.ts';
import type { InPieces } from './in-pieces.ts';
import type { Resolver } from './resolver.ts';
import type { TemplateValues } from './template-values.ts';
import { bytesOf, encode } from './value.ts';

/** What a key costs besides its characters. */
const KEY_OVERHEAD = 16;
/** Members of an object that become keys in one piece of work. */
const PIECE = 1_000;

/** Puts the data of a Secret together. What the budget does not allow is not built. */
export class DataBuilder {
  readonly values = new Map<string, Uint8Array>();
  readonly #resolver: Resolver;
  readonly #budget: Budget;
  readonly #templates: TemplateValues;
  /** What equal refs lead to, by decoding and ref. */
  readonly #known = new Map<string, Uint8Array>();
  readonly #fromObjects = new Set<string>();

  constructor(resolver: Resolver, budget: Budget, templates: TemplateValues) {
    this.#resolver = resolver;
    this.#budget = budget;
    this.#templates = templates;
  }

  /** A key with a ref or template of its own. */
  *add({ key, ref, template, decode }: DataEntry, index: number): InPieces<void> {
    const where = `spec.data[${index}]`;
    const id = ref && `${decode} ${ref.text}`;
    let bytes = id === undefined ? undefined : this.#known.get(id);
    if (bytes === undefined) {
      const text =
        ref === undefined
          ? yield* this.#templates.render(template, `${where}.template`)
          : yield* this.#resolver.text(ref, `${where}.ref`, 'value');
      // UTF-8 has at least as many bytes as UTF-16 has units.
      if (decode === 'None') this.#expect(text.length, where);
      bytes = bytesOf(text, decode, where, key);
      if (id !== undefined) this.#known.set(id, bytes);
    }
    this.#put(key, bytes, where);
  }

  /** The members of an object, except those that have a ref of their own. */
  *addMembers(ref: Ref, index: number): InPieces<void> {
    const where = `spec.dataFrom[${index}]`;
    const { members, fail } = yield* this.#resolver.members(ref, `${where}.ref`);
    let place = 0;
    for (const [name, node] of members) {
      place += 1;
      if (place % PIECE === 0) yield;
      if (this.values.has(name) && !this.#fromObjects.has(name)) continue;
      const member = `member ${place} of the object there`;
      if (name.length > 253 || firstBroken(SECRET_KEY_RULES, name) !== undefined)
        fail('ValueInvalid', `the name of ${member} cannot be a key of a Secret`);
      if (this.values.has(name)) fail('RefAmbiguous', `${member} has the name of one in another dataFrom`);
      if (node === null) fail('RefIsNull', `${member} is null`);
      const text = this.#resolver.textOf(node, where);
      this.#expect(text.length, where);
      this.#put(name, encode(text, where, member), where);
      this.#fromObjects.add(name);
    }
  }

  #put(key: string, bytes: Uint8Array, where: string): void {
    this.#budget.take('keys', key.length + KEY_OVERHEAD, where);
    this.#budget.take('bytes', bytes.length, where);
    this.values.set(key, bytes);
  }

  #expect(bytes: number, where: string): void {
    if (bytes > this.#budget.left('bytes')) this.#budget.take('bytes', bytes, where);
  }
}
