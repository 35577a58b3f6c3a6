import type { Rendezvous } from './rendezvous.ts';
import type { View } from './membership.ts';
import type { Change } from './ownership.ts';

/** What one agent may serve, given the members as it sees them. */
export class Claim {
  readonly #node: string;
  readonly #view: View;
  readonly #table: Rendezvous;

  /** @param table the owners among `view.members` */
  constructor(node: string, view: View, table: Rendezvous) {
    this.#node = node;
    this.#view = view;
    this.#table = table;
  }

  /** Whether the namespace falls to this agent, whoever served it before. */
  holds(namespace: string): boolean {
    return this.#view.present && this.#table.isOwner(this.#node, namespace);
  }

  /**
   * Whether this agent serves a resource of the namespace that `lastNode` served last (`status.node`). An
   * agent that has just started takes at once what no other node served, what a member served once that
   * one can see it, and what a node served that is no member only after the hand-over delay, for the others
   * may still wait for that node.
   */
  owns(namespace: string, lastNode?: string): boolean {
    if (!this.holds(namespace)) return false;
    if (lastNode === undefined || lastNode === '' || lastNode === this.#node) return true;
    return this.#view.members.has(lastNode) ? this.#view.counted : this.#view.settled;
  }
}

/** Which of `namespaces` the second claim holds and the first does not, and the reverse; undefined holds none. */
export function compare(
  before: Claim | undefined,
  after: Claim | undefined,
  namespaces: Iterable<string>,
): Change {
  const gained: string[] = [];
  const lost: string[] = [];
  for (const namespace of new Set(namespaces)) {
    const had = before?.holds(namespace) ?? false;
    const has = after?.holds(namespace) ?? false;
    if (has && !had) gained.push(namespace);
    if (had && !has) lost.push(namespace);
  }
  return { gained, lost };
}
