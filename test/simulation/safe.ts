import type { Fetched } from '../../agent/safe/client.ts';
import { SafeError, type SafeCode } from '../../agent/safe/error.ts';
import { failureOfStatus, parseResponse } from '../../agent/safe/response.ts';
import { parseRetryAfter } from '../../agent/safe/retry-after.ts';
import type { Clock } from '../../agent/clock.ts';
import { SafeStore } from '../devcluster/safe/store.ts';
import { Chance } from './chance.ts';
import type { Link } from './link.ts';
import type { Timeline } from './timeline.ts';

/** How Safe fares for a while. */
export type Weather =
  | { is: 'well' }
  | { is: 'away' }
  | { is: 'hung' }
  | { is: 'slow'; ms: number }
  | { is: 'refusing'; status: number; retryAfter?: string }
  | { is: 'broken' };

const TIMEOUT_MS = 10_000;

/**
 * VSecM Safe, with secrets whose values say which secret they are of and in which version: `7.12` is the twelfth value of
 * secret 7, both as `a` and as `b`.
 */
export class Safe {
  readonly #store: SafeStore;
  readonly #timeline: Timeline;
  readonly #versions: number[];
  /** From when on Safe served each version of each secret. */
  readonly #since: number[][];
  readonly #lost = new Set<number>();
  readonly #expires = new Map<number, number>();
  #weather: { now: Weather; until: number } = { now: { is: 'well' }, until: Infinity };
  /** Requests that reached Safe. */
  requests = 0;

  constructor(seed: number, timeline: Timeline, secrets: number) {
    this.#timeline = timeline;
    let serial = 0n;
    this.#store = new SafeStore({
      nanos: () => BigInt(Math.floor(timeline.now)) * 1_000_000n + (serial++ % 1_000_000n),
      random: new Chance(seed, 'safe', () => timeline.now).next,
    });
    this.#store.register({ name: 'raw:vsecm-agent-placeholder', value: 'placeholder', namespaces: ['none'] });
    this.#versions = Array.from({ length: secrets }, () => 0);
    this.#since = Array.from({ length: secrets }, () => []);
    for (let secret = 0; secret < secrets; secret++) this.rotate(secret);
  }

  /** Registers the next version of a secret. */
  rotate(secret: number, more: { expires?: string } = {}): void {
    this.#lost.delete(secret);
    this.#expires.delete(secret);
    if (more.expires !== undefined) this.#expires.set(secret, Date.parse(more.expires));
    const version = ++this.#versions[secret]!;
    const value = JSON.stringify({ a: `${secret}.${version}`, b: `${secret}.${version}` });
    this.#store.register({ name: `raw:s${secret}`, value, namespaces: ['*'], ...more });
    this.#since[secret]![version] = this.#timeline.now;
  }

  /** The secret is not there any more, until it is registered again. */
  lose(secret: number): void {
    this.#lost.add(secret);
    this.#store.delete(`raw:s${secret}`);
  }

  /** How it fares for `ms` milliseconds from now on. */
  fares(weather: Weather, ms: number): void {
    this.#weather = { now: weather, until: this.#timeline.now + ms };
  }

  get weather(): Weather {
    return this.#timeline.now < this.#weather.until ? this.#weather.now : { is: 'well' };
  }

  /** Whether the secret can be used at present, also by a clock that is so many milliseconds ahead. */
  has(secret: number, aheadMs = 0): boolean {
    return !this.#lost.has(secret) && (this.#expires.get(secret) ?? Infinity) > this.#timeline.now + aheadMs;
  }

  get secrets(): number {
    return this.#versions.length;
  }

  versionOf(secret: number): number {
    return this.#versions[secret]!;
  }

  /** Since when this version has been served, Unix milliseconds. */
  since(secret: number, version: number): number {
    return this.#since[secret]?.[version] ?? Infinity;
  }

  /**
   * One request of an agent, as its SafeClient would make it.
   * @throws SafeError
   */
  async read(
    agent: { identity: () => void; clock: Clock; links: { out: Link; in: Link } },
    onLeave: () => void,
  ): Promise<Fetched> {
    const { clock, links } = agent;
    try {
      agent.identity();
    } catch (error) {
      throw new SafeError((error as { code: SafeCode }).code, { unsent: true });
    }
    const begunAt = clock.now();
    const answer = Promise.withResolvers<{ status: number; retryAfter?: string; body: string }>();
    const cancel = clock.after(TIMEOUT_MS, () =>
      answer.reject(new SafeError('SafeTimeout', { cause: 'TIMEOUT_BODY' })),
    );
    const back = (arrive: () => void): void => links.in.carry(arrive);
    onLeave();
    links.out.carry(() => {
      const { weather } = this;
      if (weather.is === 'hung') return;
      if (weather.is === 'away')
        return back(() => answer.reject(new SafeError('SafeUnreachable', { cause: 'ECONNREFUSED' })));
      this.requests += 1;
      const { status, body, retryAfter } = this.#answer(weather);
      const reply = { status, body, ...(retryAfter !== undefined && { retryAfter }) };
      if (weather.is === 'slow') this.#timeline.after(weather.ms, () => back(() => answer.resolve(reply)));
      else back(() => answer.resolve(reply));
    });
    try {
      const { status, body, retryAfter } = await answer.promise;
      if (status !== 200) throw failureOfStatus(status, parseRetryAfter(retryAfter, clock.wall()));
      const bytes = Buffer.from(body);
      return { answer: parseResponse(status, bytes), begunAt, endedAt: clock.now(), bytes: bytes.byteLength };
    } finally {
      cancel();
    }
  }

  #answer(weather: Weather): { status: number; body: string; retryAfter?: string } {
    if (weather.is === 'refusing') return { ...weather, body: '' };
    if (weather.is === 'broken') return { status: 200, body: '{"data":"","created":"","updated":""}' };
    const body = this.#store.rawAnswer();
    return body === undefined ? { status: 404, body: '' } : { status: 200, body };
  }
}
