import type { TestContext } from 'node:test';
import { createLog, type LogFields } from '../../agent/log.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { IdentityError } from '../../agent/spiffe/error.ts';
import type { IdentityChange } from '../../agent/spiffe/held-identity.ts';
import { X509Source, type X509SourceOptions } from '../../agent/spiffe/x509-source.ts';
import { DevSpire, type DevSpireOptions } from '../devcluster/spire.ts';
import { FakeClock } from '../fake-clock.ts';

export const SCOUT =
  'spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/vsecm-agent-x7k2p';
export const KEYSTONE =
  'spiffe://vsecm.com/workload/vsecm-keystone/ns/vsecm-system/sa/vsecm-keystone/n/vsecm-keystone-1';

type Line = LogFields & { level: string; msg: string };

/** What a source said and did, in order, and a way to wait for more of it. */
export class Observed {
  readonly lines: Line[] = [];
  readonly changes: IdentityChange[] = [];
  readonly #waiting = new Set<() => void>();

  note(what: { line: Line } | { change: IdentityChange }): void {
    if ('line' in what) this.lines.push(what.line);
    else this.changes.push(what.change);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves when `condition` holds, looking again after each line and change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  logged(msg: string, fields: LogFields = {}): Line[] {
    return this.lines.filter(
      (line) =>
        line.msg === msg && Object.entries(fields).every(([key, value]) => line[key as keyof Line] === value),
    );
  }

  async whenLogged(msg: string, fields: LogFields = {}, times = 1): Promise<void> {
    await this.until(() => this.logged(msg, fields).length >= times);
  }

  async whenChanges(...changes: IdentityChange[]): Promise<void> {
    await this.until(() => this.changes.length >= changes.length);
  }
}

export interface Watched {
  source: X509Source;
  seen: Observed;
  clock: FakeClock;
  metrics: ReturnType<typeof createMetrics>;
  /** Code and cause of the missing identity; undefined if there is one. */
  failure(): string | undefined;
  stop(): Promise<void>;
}

/** A running source on a clock that only the test moves, stopped when the test ends. Delays are half of their bound. */
export function watch(t: TestContext, options: Partial<X509SourceOptions> & { socket: string }): Watched {
  const seen = new Observed();
  const clock = new FakeClock(Date.now());
  const metrics = createMetrics();
  const log = createLog('debug', {}, { write: (line) => seen.note({ line: JSON.parse(line) as Line }) });
  const source = new X509Source({
    trustDomain: 'vsecm.com',
    log,
    metrics,
    clock,
    random: () => 0.5,
    ...options,
  });
  source.onChange((change) => seen.note({ change }));
  const stopping = new AbortController();
  const running = source.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  t.after(stop);
  return { source, seen, clock, metrics, failure: () => failureOf(source), stop };
}

export function failureOf(source: X509Source): string | undefined {
  try {
    source.current();
    return undefined;
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    return error.cause === undefined ? error.code : `${error.code} ${error.cause}`;
  }
}

/** A SPIRE agent of its own for one test. */
export async function startSpire(t: TestContext, options: DevSpireOptions = {}): Promise<DevSpire> {
  const spire = await DevSpire.start(options);
  t.after(() => spire.close());
  return spire;
}
