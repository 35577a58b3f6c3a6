import type { Clock } from '../../agent/clock.ts';
import { KubeClient } from '../../agent/kube/client.ts';
import type { Log, LogFields } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { createWork, type Work, type WorkConfig } from '../../agent/work.ts';
import type { ApiServer } from './api-server.ts';
import { Chance } from './chance.ts';
import { SimulatedIdentity } from './identity.ts';
import { Link } from './link.ts';
import type { Safe } from './safe.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';
import type { Troubles } from './trouble.ts';
import { wire, type Witness } from './wire.ts';

export interface AgentProcessOptions {
  node: string;
  pod: string;
  /** How often this pod's container was started before. */
  restarts: number;
  seed: number;
  config: Omit<WorkConfig, 'node' | 'pod'>;
  /** How far its node's clock is ahead, milliseconds. */
  skewMs: number;
  servers: readonly ApiServer[];
  troubles: Troubles;
  safe: Safe;
  timeline: Timeline;
  trace: Trace;
  witness: Witness;
  /** It asks Safe. */
  onSafe: () => void;
  /** It ended by itself. */
  onEnd: (error: unknown) => void;
}

/** Beyond what the product takes for a suspension, a sixth of the hand-over delay, with its beat. */
const SUSPENSION_MS = 8_000;

/** One process of the agent: the product's work, on a clock and a network of the simulation. */
export class AgentProcess {
  readonly node: string;
  readonly pod: string;
  readonly links: Record<'requests' | 'watches' | 'safe', { out: Link; in: Link }>;
  readonly identity: SimulatedIdentity;
  readonly work: Work;
  /** Its open watches tell nothing any more. */
  readonly mute: () => void;
  /** Its requests wait for connections for so many milliseconds. */
  readonly jam: (ms: number) => void;
  /** Its connections to the API servers are reset. */
  readonly drop: () => void;
  /** Its Service is not set: it reads no members, and owns everything. */
  readonly alone: boolean;
  /** Timers that it has set. */
  timers = 0;
  skewMs: number;
  /** When it last went on after it had stood still for long, Unix milliseconds. */
  thawedAt = -Infinity;
  /** By its own clock, Unix milliseconds. */
  readonly now: () => number;
  readonly #timeline: Timeline;
  readonly #stop = new AbortController();
  #ended: Promise<void> | undefined;
  #alive = true;
  /** What waits while it stands still. */
  #held: (() => void)[] | undefined;

  constructor(options: AgentProcessOptions) {
    const { node, pod, restarts, seed, timeline, trace, servers, troubles, safe, witness } = options;
    this.node = node;
    this.pod = pod;
    this.skewMs = options.skewMs;
    this.alone = options.config.service === '';
    this.#timeline = timeline;
    const chance = (what: string): Chance =>
      new Chance(seed, `${what} ${pod} ${restarts}`, () => timeline.now);
    const pair = (what: string): { out: Link; in: Link } => ({
      out: new Link(timeline, chance(`${what} out`)),
      in: new Link(timeline, chance(`${what} in`)),
    });
    this.links = { requests: pair('requests'), watches: pair('watches'), safe: pair('safe') };
    const clock = this.#clock();
    this.now = () => clock.now();
    const log = logOf(trace, pod);
    const metrics = createMetrics();
    this.identity = new SimulatedIdentity(pod, clock);
    const { send, mute, drop, jam } = wire({
      pod,
      servers,
      troubles,
      links: this.links,
      chance: chance('wire'),
      timeline,
      witness,
      deliver: (take) => this.deliver(take),
    });
    this.mute = mute;
    this.jam = jam;
    this.drop = () => this.deliver(drop);
    const asker = { identity: () => this.identity.current(), clock, links: this.links.safe };
    this.work = createWork({
      kube: KubeClient.over(send, { metrics, clock }),
      safe: {
        read: async () => {
          const outcome = safe.read(asker, options.onSafe);
          await outcome.catch(() => {});
          await new Promise<void>((goOn) => this.deliver(goOn));
          return outcome;
        },
      },
      identity: this.identity,
      clock,
      random: chance('agent').next,
      log,
      metrics,
      config: { ...options.config, node, pod },
    });
    this.#start(options.onEnd);
  }

  get alive(): boolean {
    return this.#alive;
  }

  get frozen(): boolean {
    return this.#held !== undefined;
  }

  /** What the kubelet's readiness probe is answered. */
  ready(): boolean {
    if (!this.#alive || this.frozen) return false;
    return this.work.ready() && this.identity.holds();
  }

  /** SIGKILL: what it has sent is on its way, and that is all. */
  kill(): void {
    this.#alive = false;
    this.#held = undefined;
  }

  /** SIGTERM; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    this.kill();
  }

  /** SIGSTOP, and SIGCONT after `ms` milliseconds. */
  freeze(ms: number): void {
    if (!this.#alive || this.#held) return;
    if (ms > SUSPENSION_MS) this.thawedAt = this.#timeline.now + ms;
    this.#held = [];
    this.#timeline.after(ms, () => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const run of held) this.#timeline.after(0, () => this.deliver(run));
    });
  }

  /** Runs `take` in the process: now, when it goes on, or never. */
  deliver(take: () => void): void {
    if (!this.#alive) return;
    if (this.#held) this.#held.push(take);
    else take();
  }

  #start(onEnd: (error: unknown) => void): void {
    this.#timeline.after(0, () => {
      this.identity.start();
      this.#ended = this.work.run(this.#stop.signal).then(
        () => this.work.close(),
        (error: unknown) => {
          if (this.#alive) onEnd(error);
        },
      );
    });
  }

  #clock(): Clock {
    // Passes evenly, whatever the wall clock is set to, from what that said at the start.
    const origin = this.skewMs;
    return {
      now: () => Math.floor(this.#timeline.now + origin),
      wall: () => Math.floor(this.#timeline.now + this.skewMs),
      after: (ms, run) => {
        if (!this.#alive) return () => {};
        this.timers += 1;
        let over = false;
        const end = (): void => {
          if (!over) this.timers -= 1;
          over = true;
        };
        const cancel = this.#timeline.after(ms, () =>
          this.deliver(() => {
            if (over) return;
            end();
            run();
          }),
        );
        return () => {
          end();
          cancel();
        };
      },
    };
  }
}

function logOf(trace: Trace, pod: string): Log {
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      const { namespace, name, code, names: _, ...others } = fields as Record<string, unknown>;
      const about = [namespace && `${namespace}/${name}`, code].filter(Boolean).join(' ');
      const more = ['status', 'reason', 'cause', 'resource', 'attempt', 'role', 'gained', 'lost']
        .filter((field) => others[field] !== undefined)
        .map((field) => `${field}=${others[field]}`);
      trace.say(pod, [level, message, about, ...more].filter(Boolean).join(' | '));
    };
  const log: Log = {
    trace: () => {},
    debug: () => {},
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    fatal: line('fatal'),
    child: () => log,
  };
  return log;
}
