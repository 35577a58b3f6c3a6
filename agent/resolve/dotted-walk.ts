import { isList, isObject, type Node } from './node.ts';

const INDEX = /^(0|[1-9][0-9]{0,8})$/;
/** Characters of a name that are compared or hashed within one step. */
const STEP_LENGTH = 64;

/** So many names are tried without a look at how many members there are. */
const FEW_NAMES = 8;

/** Readings of a dotted ref. Names may hold dots, so any number of parts may be one name. */
export class DottedWalk {
  readonly length: number;
  /** How many parts may be read as freely as that. */
  readonly free: number;
  readonly #text: string;
  /** Where each part ends. */
  readonly #ends: number[];
  /** How many parts end where a text of so many characters ends. */
  #parts: ReadonlyMap<number, number> | undefined;
  readonly #take: (steps: number) => void;

  /**
   * @param fixed so many parts at the end are one name each
   * @param take is told before steps are made; may throw
   */
  constructor(text: string, fixed: number, take: (steps: number) => void) {
    this.#text = text;
    this.#ends = [];
    for (let dot = text.indexOf('.'); dot >= 0; dot = text.indexOf('.', dot + 1)) this.#ends.push(dot);
    this.#ends.push(text.length);
    this.length = this.#ends.length;
    this.free = this.length - fixed;
    this.#take = take;
  }

  /** Parts `from` up to, not including, `to` as one name. */
  name(from: number, to: number): string {
    const name = this.#text.slice(this.#start(from), this.#ends[to - 1]);
    this.#count(name);
    return name;
  }

  /** At most two of the nodes that the parts from `at` on lead to. */
  from(node: Node, at: number): Node[] {
    if (at === this.length) return [node];
    if (isList(node)) {
      const part = this.name(at, at + 1);
      const item = at < this.free && INDEX.test(part) ? node[Number(part)] : undefined;
      return item === undefined ? [] : this.from(item, at + 1);
    }
    const found: Node[] = [];
    if (!isObject(node)) return found;
    for (const [to, member] of this.#fitting(node, at)) {
      found.push(...this.from(member, to));
      if (found.length > 1) break;
    }
    return found;
  }

  /**
   * The members of an object whose names are the next parts, and where the parts after these begin: asked name by
   * name or, if these are many, member by member, whichever are fewer. So a walk takes at most FEW_NAMES times as many
   * steps as there are nodes.
   */
  #fitting(object: ReadonlyMap<string, Node>, at: number): (readonly [to: number, member: Node])[] {
    const fitting: (readonly [number, Node])[] = [];
    const last = Math.max(this.free, at + 1);
    if (last - at <= Math.max(FEW_NAMES, object.size)) {
      for (let to = at + 1; to <= last; to++) {
        const member = object.get(this.name(at, to));
        if (member !== undefined) fitting.push([to, member]);
      }
      return fitting;
    }
    const start = this.#start(at);
    this.#parts ??= new Map(this.#ends.map((end, index) => [end, index + 1]));
    for (const [name, member] of object) {
      this.#count(name);
      const to = this.#parts.get(start + name.length);
      if (to !== undefined && to > at && to <= last && this.#text.startsWith(name, start))
        fitting.push([to, member]);
    }
    return fitting;
  }

  #start(part: number): number {
    return part === 0 ? 0 : this.#ends[part - 1]! + 1;
  }

  #count(name: string): void {
    this.#take(1 + Math.floor(name.length / STEP_LENGTH));
  }
}
