import type { Clock } from '../clock.ts';
import type { Endpoint, Slice } from './slices.ts';

export interface MembershipOptions {
  /** Node of this agent: the name under which it is a member. */
  node: string;
  /** Pod of this agent; without it every endpoint of the node counts as its own. */
  pod?: string | undefined;
  /** How long a member that turned not-ready or vanished stays one. */
  handoffDelayMs: number;
  clock: Clock;
  /** Called when `view` has changed. */
  onChange: () => void;
}

/** The members as this agent sees them; a new object for each change. */
export interface View {
  /** Names of nodes. */
  readonly members: ReadonlySet<string>;
  /** The slices hold this very pod. Without that it owns nothing, even while its node is a member. */
  readonly present: boolean;
  /** The slices have shown this agent able to own since it started, so the others know of it. */
  readonly counted: boolean;
  /** The hand-over delay has passed since the first look: whoever vanished before it has been given up by all. */
  readonly settled: boolean;
}

/** What is known before the first look. */
export const UNSEEN: View = { members: new Set(), present: false, counted: false, settled: false };

/**
 * Who is a member, from the slices of the agents' Service: nodes with a ready pod, or, if nobody is ready,
 * with one that is not terminating. A member that drops out of these stays one for the hand-over delay, so
 * that a pod that restarts in time moves nothing.
 *
 * This agent itself counts for that long from when its pod first shows, ready or not: it begins with what
 * was its own before a restart. Delays run on timers, not on differences of wall-clock time, which can step.
 */
export class Membership {
  #view = UNSEEN;
  readonly #members = new Set<string>();
  /** Members that dropped out, each with the look that found it so. */
  readonly #leaving = new Map<string, object>();
  readonly #timers = new Set<() => void>();
  #looked = false;
  #introduced = false;
  #flags = { present: false, counted: false, settled: false };
  readonly #options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get view(): View {
    return this.#view;
  }

  /** Takes all slices of the Service as they are now. */
  observe(slices: Iterable<Slice>): void {
    const { node, pod } = this.#options;
    const endpoints = Array.from(slices).flatMap((slice) => slice.endpoints);
    const able = ableNodes(endpoints);
    const isSelf = (e: Endpoint): boolean =>
      e.node === node && (pod === undefined || e.pod === undefined || e.pod === pod);
    const present = endpoints.some(isSelf);
    this.#flags.present = present;
    this.#flags.counted ||= present && able.has(node);
    for (const name of able) {
      this.#members.add(name);
      this.#leaving.delete(name);
    }
    if (present && !this.#introduced) {
      this.#introduced = true;
      this.#members.add(node);
    }
    this.#dismiss([...this.#members].filter((name) => !able.has(name) && !this.#leaving.has(name)));
    if (!this.#looked) {
      this.#looked = true;
      this.#after(() => (this.#flags.settled = true));
    }
    this.#publish();
  }

  /** Forgets everything, as if the agent had just started; the view stays until the next look. */
  restart(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#members.clear();
    this.#leaving.clear();
    this.#looked = false;
    this.#introduced = false;
    this.#flags = { present: false, counted: false, settled: false };
  }

  /** All that left at one look go together: a thousand departures are one change. */
  #dismiss(names: readonly string[]): void {
    if (names.length === 0) return;
    const look = {};
    for (const name of names) this.#leaving.set(name, look);
    this.#after(() => {
      for (const name of names) {
        if (this.#leaving.get(name) !== look) continue;
        this.#leaving.delete(name);
        this.#members.delete(name);
      }
    });
  }

  #after(run: () => void): void {
    const { clock, handoffDelayMs } = this.#options;
    const cancel = clock.after(handoffDelayMs, () => {
      this.#timers.delete(cancel);
      run();
      this.#publish();
    });
    this.#timers.add(cancel);
  }

  #publish(): void {
    const { members, present, counted, settled } = this.#view;
    const now = this.#flags;
    const same = present === now.present && counted === now.counted && settled === now.settled;
    if (this.#view !== UNSEEN && same && equal(members, this.#members)) return;
    this.#view = { ...now, members: new Set(this.#members) };
    this.#options.onChange();
  }
}

/** Nodes whose agent can work: those with a ready pod; if there is none, those whose pod is here to stay. */
function ableNodes(endpoints: readonly Endpoint[]): Set<string> {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const able = ready.length > 0 ? ready : endpoints.filter((endpoint) => !endpoint.terminating);
  return new Set(able.map((endpoint) => endpoint.node));
}

function equal(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
