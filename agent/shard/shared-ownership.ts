import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import { Claim, compare } from './claim.ts';
import type { Hash } from './hash.ts';
import { Dispute } from './dispute.ts';
import { Lookout } from './lookout.ts';
import { Membership, UNSEEN, type View } from './membership.ts';
import type { Change, Ownership, Summary } from './ownership.ts';
import { Rendezvous } from './rendezvous.ts';
import { roleOf, type Role } from './role.ts';
import type { Slice } from './slices.ts';

export interface SharedOwnershipOptions {
  /** Node and pod of this agent. */
  node: string;
  pod?: string | undefined;
  /** 0: all members own namespaces. */
  maxOwners: number;
  handoffDelayMs: number;
  /** Lists the slices of the agents' Service, all of them, as the API server has them now. */
  list: (signal: AbortSignal) => Promise<readonly Slice[]>;
  /** When a watch on the slices last said a word, by the clock's `now`; undefined: there is none, or it fails. */
  watchedAt: () => number | undefined;
  /** Namespaces that the caller knows; repetitions do not matter. */
  namespaces: () => Iterable<string>;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'members' | 'handovers'>;
  /** How often an agent that does not watch the members lists them, in milliseconds, give or take a fifth. */
  pollMs?: number;
  hash?: Hash;
  random: Random;
}

const POLL_MS = 5 * 60_000;

/**
 * Namespaces divided among the agents of a Service. `run` lists the members once at the start, from time
 * to time while nobody has to watch them here, while the watch on them does not speak, and after the process stood
 * still: then it begins anew, as if just started, since others may have taken over. Whoever watches the slices passes
 * them to `observe`. Members that have been unknown for the hand-over delay may have changed without this agent: it
 * owns nothing until they are known again, but keeps its role and what it remembers.
 */
export class SharedOwnership implements Ownership {
  readonly #options: SharedOwnershipOptions;
  readonly #membership: Membership;
  readonly #lookout: Lookout;
  readonly #dispute: Dispute;
  readonly #listeners = new Set<(change: Change) => void>();
  #view: View = UNSEEN;
  #table: Rendezvous;
  #role: Role | undefined;
  #observedAt = -Infinity;
  /** Undefined before the first look and while suspended. */
  #claim: Claim | undefined;

  constructor(options: SharedOwnershipOptions) {
    const { node, pod, handoffDelayMs, clock, pollMs = POLL_MS } = options;
    this.#options = options;
    this.#table = new Rendezvous([], options);
    this.#dispute = new Dispute(options);
    this.#membership = new Membership({ node, pod, handoffDelayMs, clock, onChange: () => this.#update() });
    this.#lookout = new Lookout({
      ...options,
      pollMs,
      // A takeover comes only after a failed probe and the delay: a shorter stop concerns nobody.
      suspensionMs: Math.max(2_000, Math.min(handoffDelayMs, 5_000)),
      polls: () => this.#role === 'other',
      onSuspended: () => this.#update(),
      onSighted: () => this.#tell({ gained: [], lost: [] }),
      onSlices: (slices, afresh, begunAt) => this.#look(slices, afresh, begunAt),
    });
  }

  owns(namespace: string, lastNode?: string): boolean {
    if (this.#lookout.suspended || this.#lookout.blind) return false;
    const owns = this.#claim?.owns(namespace, lastNode) ?? false;
    if (owns && lastNode !== undefined && lastNode !== '') this.#dispute.saw(namespace, lastNode);
    return owns;
  }

  ownerOf(namespace: string): string | undefined {
    return this.#table.ownerOf(namespace);
  }

  role(): Role | undefined {
    return this.#role;
  }

  summary(): Summary {
    return {
      role: this.#role,
      members: [...this.#view.members].toSorted(),
      owners: this.#table.owners,
      present: this.#view.present,
      suspended: this.#lookout.suspended || (this.#claim !== undefined && this.#lookout.blind),
      namespaces: compare(undefined, this.#claim, this.#options.namespaces()).gained.length,
    };
  }

  onChange(fn: (change: Change) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  observe(slices: Iterable<Slice>): void {
    this.#observedAt = this.#options.clock.now();
    this.#membership.observe(slices);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#lookout.run(signal).finally(() => this.#membership.restart());
  }

  #look(slices: readonly Slice[], afresh: boolean, begunAt: number): void {
    // A slow list is older than what a watch has shown meanwhile.
    if (!afresh && begunAt < this.#observedAt) return;
    if (afresh) this.#membership.restart();
    this.#membership.observe(slices);
    this.#update();
  }

  #update(): void {
    const before = { view: this.#view, claim: this.#claim, role: this.#role };
    const { view } = this.#membership;
    const { node } = this.#options;
    if (view !== before.view) {
      this.#view = view;
      this.#table = new Rendezvous(view.members, this.#options);
    }
    const trusted = view !== UNSEEN && !this.#lookout.suspended;
    if (view === before.view && trusted === (before.claim !== undefined)) return;
    this.#role = trusted ? roleOf(node, view.members, this.#options) : undefined;
    if (before.role === 'other' && this.#role !== 'other') this.#lookout.reconsider();
    this.#dispute.reset();
    this.#claim = trusted ? new Claim(node, view, this.#table) : undefined;
    const change = compare(before.claim, this.#claim, this.#options.namespaces());
    this.#report(before.view, before.role, change);
    this.#tell(change);
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  #report(before: View, role: Role | undefined, { gained, lost }: Change): void {
    const { log, metrics } = this.#options;
    const counts = { members: this.#view.members.size, owners: this.#table.owners.length };
    metrics.members.set(counts.members);
    // What an agent finds at its start was nobody's loss.
    if (before.settled) {
      metrics.handovers.inc({ direction: 'gained' }, gained.length);
      metrics.handovers.inc({ direction: 'lost' }, lost.length);
    }
    if (this.#role && this.#role !== role) log.info('Role among the agents', { ...counts, role: this.#role });
    // At the start it is normal for a moment that the slices do not hold this pod yet, and without a watch longer.
    const missed = before.present || (this.#view.settled !== before.settled && this.#role !== 'other');
    if (missed && !this.#view.present) log.warn('Not in the slices of the Service: nothing is owned', counts);
    if (gained.length > 0) log.info('Namespaces gained', { ...counts, gained: gained.length });
    if (lost.length > 0) log.info('Namespaces lost', { ...counts, lost: lost.length });
  }
}
