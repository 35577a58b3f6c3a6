import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet, owners } from './fleet.ts';
import type { Probe } from './kubelet.ts';
import { Observer } from './observer.ts';
import { RisingValue } from './rising-value.ts';
import { vss } from './scene.ts';
import { Stage } from './stage.ts';

/** The shortest there is. */
export const INTERVAL_MS = 10_000;
/** A resource that is due accepts an answer of a tenth of its interval. */
const TOLERANCE_MS = INTERVAL_MS / 10;
/** Between two requests to a Safe. */
export const FLOOR_MS = 5_000;
/** What the machine, the API server and the Secret's way through them may take. */
export const SLACK_MS = 2_000;
/** How often the value in Safe rises. */
const CLIMB_MS = 500;
/** The new owner of a namespace leaves a status that the former one wrote last as it is for a minute. */
const SETTLED_MS = 60_000 + 30_000;
/** After this long nobody waits any more for a value to arrive; every bound is far below. */
const GIVE_UP_MS = 240_000;

export interface TrialOptions {
  handoffDelayMs: number;
  probe: Probe;
  namespaces: readonly string[];
}

/** How much later than it was due the worst value arrived, milliseconds, by `namespace/name`. */
export type Lateness = ReadonlyMap<string, number>;

/** A fleet on a real control plane that keeps one Secret per namespace in step with a rising value, watched all the time. */
export class Trial {
  readonly stage: Stage;
  readonly fleet: Fleet;
  readonly rising: RisingValue;
  readonly observer: Observer;
  readonly namespaces: readonly string[];

  private constructor(
    stage: Stage,
    fleet: Fleet,
    rising: RisingValue,
    observer: Observer,
    namespaces: readonly string[],
  ) {
    this.stage = stage;
    this.fleet = fleet;
    this.rising = rising;
    this.observer = observer;
    this.namespaces = namespaces;
  }

  static async start({ handoffDelayMs, probe, namespaces }: TrialOptions): Promise<Trial> {
    const stage = await Stage.start({ kind: 'real', controllers: true });
    try {
      for (const namespace of namespaces) await stage.namespace(namespace);
      const rising = await RisingValue.register(stage.safe, 'rising');
      const observer = await Observer.start(stage.cluster.admin, namespaces.map(keyIn));
      return new Trial(
        stage,
        await Fleet.start({ stage, handoffDelayMs, probe }),
        rising,
        observer,
        namespaces,
      );
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Makes the VSecMSecrets, one in each namespace. */
  async declare(): Promise<void> {
    const data = ['first', 'second'].map((key) => ({ key, ref: `${this.rising.name}.${key}` }));
    for (const namespace of this.namespaces) {
      await this.stage.cluster.apply(
        vss('rising', { refreshInterval: `${INTERVAL_MS / 1000}s`, data }),
        namespace,
      );
    }
  }

  /** Resolves once every namespace is served by its owner among `nodes`. */
  settled(nodes: readonly string[], timeoutMs = SETTLED_MS): Promise<void> {
    return this.observer.servedBy(owners(nodes), timeoutMs);
  }

  /** Keys of the resources that the agent on `node` owns while `nodes` are the members. */
  ownedBy(node: string, nodes: readonly string[]): string[] {
    const ownerOf = owners(nodes);
    return this.namespaces.filter((namespace) => ownerOf(namespace) === node).map(keyIn);
  }

  /** How late the values of the time in which `act` runs arrive; resolves when all have. */
  async during(act: () => Promise<unknown>): Promise<Lateness> {
    const first = this.rising.now;
    this.rising.climb(CLIMB_MS);
    try {
      await act();
      await sleep(CLIMB_MS);
    } finally {
      await this.rising.rest();
    }
    const last = await this.rising.raise();
    await this.observer.caughtUp(last, GIVE_UP_MS);
    return new Map(this.namespaces.map(keyIn).map((key) => [key, this.#lateness(key, first, last)]));
  }

  async close(): Promise<void> {
    await this.rising.rest();
    this.observer.close();
    await this.fleet.close();
    await this.stage.close();
  }

  #lateness(key: string, first: number, last: number): number {
    let worst = -Infinity;
    for (let value = first; value <= last; value++) {
      const dueBy = this.rising.setAt(value) + INTERVAL_MS + TOLERANCE_MS;
      worst = Math.max(worst, this.observer.reachedAt(key, value) - dueBy);
    }
    return worst;
  }
}

/** Of the resources `keys`, or of all, how late the latest was, milliseconds; negative: in time. */
export const latest = (lateness: Lateness, keys: Iterable<string> = lateness.keys()): number =>
  Math.max(...Array.from(keys, (key) => lateness.get(key) ?? Infinity));

const keyIn = (namespace: string): string => `${namespace}/rising`;
