import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Outage } from '../outage.ts';

export interface DisputeOptions {
  node: string;
  clock: Clock;
  log: Log;
}

/**
 * Tells that another agent serves what this one serves too: a resource that was last served here turns out to be
 * served by a member that, as this agent sees it, does not own it. For a moment that is a hand-over; where it goes on,
 * the agents count differently, as with different `VSECM_AGENT_MAX_OWNERS`.
 */
export class Dispute {
  readonly #options: DisputeOptions;
  readonly #outage: Outage;
  /** Namespaces that this agent serves, each with the first instant at which another was seen to. */
  readonly #served = new Map<string, number | undefined>();

  constructor(options: DisputeOptions) {
    this.#options = options;
    this.#outage = new Outage({ clock: options.clock });
  }

  /** A resource of a namespace of this agent was last served by `lastNode`, a member or this agent itself. */
  saw(namespace: string, lastNode: string): void {
    const { node, clock, log } = this.#options;
    if (lastNode === node) {
      if (!this.#served.has(namespace)) this.#served.set(namespace, undefined);
      return;
    }
    if (!this.#served.has(namespace)) return;
    const since = this.#served.get(namespace);
    if (since === undefined) this.#served.set(namespace, clock.now());
    else if (clock.now() - since >= HANDOVER_MS && this.#outage.failed(lastNode) !== undefined)
      log.warn('Another agent serves what this one owns: do all agents have the same settings?', {
        namespace,
        otherNode: lastNode,
      });
  }

  /** The members changed: who owns what is open again. */
  reset(): void {
    this.#served.clear();
    this.#outage.ended();
  }
}

/** Agents see a change of the members within a second of each other, and a status may be a moment old. */
const HANDOVER_MS = 60_000;
