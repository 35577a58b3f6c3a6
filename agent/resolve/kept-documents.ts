import type { Document } from './document.ts';

/** Values of all documents that are kept: some 20 MiB. A document is 30 times larger in memory than as a text. */
const MAX_KEPT_NODES = 200_000;
/** What remembering a document costs, in nodes: a text without any is not free. */
const OVERHEAD_NODES = 16;

/**
 * Documents for as long as what they were read from is in memory, and no more of them than MAX_KEPT_NODES: what
 * goes first came first, and is read again when somebody looks into it.
 */
export class KeptDocuments {
  readonly #documents = new WeakMap<object, Document>();
  /** In the order in which they came. Holds no secret in memory. */
  readonly #kept: { readonly source: WeakRef<object>; readonly nodes: number }[] = [];
  #nodes = 0;

  get(source: object): Document | undefined {
    return this.#documents.get(source);
  }

  keep(source: object, document: Document): void {
    this.#documents.set(source, document);
    const nodes = document.nodes + OVERHEAD_NODES;
    this.#kept.push({ source: new WeakRef(source), nodes });
    this.#nodes += nodes;
    while (this.#nodes > MAX_KEPT_NODES) {
      const first = this.#kept.shift()!;
      this.#nodes -= first.nodes;
      const gone = first.source.deref();
      if (gone !== undefined) this.#documents.delete(gone);
    }
  }
}
