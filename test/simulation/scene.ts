import type { RequestInfo } from '../devcluster/request-info.ts';
import type { Change } from '../devcluster/apiserver/store.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Reply } from './api-server.ts';
import type { Cluster } from './cluster.ts';
import type { Ledger } from './ledger.ts';
import type { Safe } from './safe.ts';
import type { Setting } from './setting.ts';
import type { Shown } from './shown.ts';
import type { Timeline } from './timeline.ts';

/** An agent as the observer knows it. */
export interface Watched {
  readonly pod: string;
  readonly node: string;
  readonly process: AgentProcess;
  readonly shown: Shown;
  readonly startedAt: number;
  /** Since when its view of who owns what is as it is, Unix milliseconds: with what it owns it lets go of what it knew. */
  readonly viewSince: number;
}

/** What can be troubled: API servers and network; watches that tell nothing; the agents and who owns what; Safe. */
export type Calm = 'api' | 'watches' | 'agents' | 'safe';

/** What invariants judge by: everything. */
export interface Scene {
  readonly setting: Setting;
  readonly timeline: Timeline;
  readonly cluster: Cluster;
  readonly safe: Safe;
  readonly ledger: Ledger;
  /** Every process that ever ran, by pod; the last one of each. */
  readonly agents: ReadonlyMap<string, Watched>;
  /** For how long nothing has been wrong with it, milliseconds. */
  calm(what: Calm): number;
  /** Notes a violation. */
  violate(text: string): void;
}

/** What an invariant hears of; all at the moment at which it happens. */
export interface Ears {
  /** A request leaves an agent. */
  leaves?(agent: Watched, info: RequestInfo, body: any): void;
  /** An answer to a request arrives. */
  arrives?(agent: Watched, info: RequestInfo, reply: Reply): void;
  /** A request is given up before it was answered. */
  abandons?(agent: Watched, info: RequestInfo): void;
  /** A Secret changed; `writer` is a pod, `people`, or a controller. */
  secret?(change: Change, writer: string): void;
  /** A VSecMSecret changed. */
  resource?(change: Change, writer: string): void;
  /** A request to Safe leaves an agent. */
  asksSafe?(agent: Watched): void;
  /** Each two seconds. */
  beat?(): void;
  /** After the last event, when all had time to settle. */
  end?(): void;
}

/** Something that must never be seen. */
export interface Invariant {
  name: string;
  /** As a sentence. */
  says: string;
  watch(scene: Scene): Ears;
}

/** Whether a writer is an agent: pods are named `a0-0`. */
export const isAgent = (writer: string): boolean => /^a\d+-\d+$/.test(writer);
