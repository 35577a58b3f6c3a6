import type { Clock } from '../../agent/clock.ts';
import { SafeError } from '../../agent/safe/error.ts';
import type { Answer, Fetched, StoredSecret } from '../../agent/resolve/answer.ts';
import { answerOf, stored } from '../resolve/stored-secret.ts';

export interface Asked {
  at: number;
  dial: string;
  ok: boolean;
}

/** A Safe without wire: what a cache asks, with the moments of its requests. */
export class FakeSafe {
  readonly requests: Asked[] = [];
  readonly #clock: Clock;
  #secrets = new Map<string, StoredSecret>();
  #updates = 0;
  /** Set: every request fails so. */
  failure: SafeError | undefined;
  /** Set: this is the answer. */
  answer: Answer | undefined;
  latencyMs = 0;
  bytes = 1_000;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.register('app', { password: 'one' });
    this.register('other', 'x');
  }

  register(name: string, value: unknown, change: Partial<StoredSecret> = {}): void {
    const updatedAt = BigInt(Date.UTC(2026, 0, 1) + ++this.#updates) * 1_000_000n;
    this.#secrets.set(name, stored(name, value, { namespaces: ['*'], updatedAt, ...change }));
  }

  forget(name: string): void {
    this.#secrets.delete(name);
  }

  async read(dial: string): Promise<Fetched> {
    const begunAt = this.#clock.now();
    const asked = { at: begunAt, dial, ok: false };
    this.requests.push(asked);
    const answer = this.answer ?? this.#shuffled();
    const { failure, bytes } = this;
    if (this.latencyMs > 0) await new Promise<void>((resolve) => this.#clock.after(this.latencyMs, resolve));
    if (failure) throw failure;
    asked.ok = true;
    return { answer, begunAt, endedAt: this.#clock.now(), bytes };
  }

  /** Safe lists its secrets in another order each time. */
  #shuffled(): Answer {
    const secrets = [...this.#secrets.values()];
    const turn = this.requests.length % Math.max(1, secrets.length);
    return answerOf(...secrets.slice(turn), ...secrets.slice(0, turn));
  }
}

export const away = (details: ConstructorParameters<typeof SafeError>[1] = {}): SafeError =>
  new SafeError('SafeUnreachable', { cause: 'ECONNREFUSED', ...details });
