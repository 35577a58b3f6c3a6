import { hintFor, stageOf, type Code } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import type { Schedule } from '../schedule.ts';

export interface AlikeLinesOptions {
  log: Log;
  schedule: Schedule;
  clock: Clock;
}

/** What happened to a resource: one message of the log, at one level. */
export interface Happening {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly code: Code;
}

interface Burst {
  readonly happening: Happening;
  readonly begunAt: number;
  /** Resource `namespace/name` → the fields of its own line. */
  readonly lines: Map<string, LogFields>;
}

/** A burst is over when nothing was added for so long, or after so long, milliseconds. */
const QUIET_MS = 1_000;
const LONGEST_MS = 10_000;
/** Container runtimes cut lines at 16 KiB; so many names are below that. */
const MOST_NAMES = 50;

/**
 * Lines about resources, where what happens to many within a moment is one line with their number: a secret
 * that vanishes from Safe, or a policy that forbids all writes, concerns thousands alike.
 */
export class AlikeLines {
  readonly #options: AlikeLinesOptions;
  readonly #bursts = new Map<string, Burst>();

  constructor(options: AlikeLinesOptions) {
    this.#options = options;
  }

  /** Tells it soon: with `fields` if nothing alike happens to another resource until then. */
  add(key: string, happening: Happening, fields: LogFields): void {
    const { schedule, clock } = this.#options;
    const id = `tell ${happening.message} ${happening.code}`;
    const now = clock.now();
    const burst = this.#bursts.get(id) ?? { happening, begunAt: now, lines: new Map() };
    this.#bursts.set(id, burst);
    burst.lines.set(key, fields);
    schedule.set(id, Math.min(now + QUIET_MS, burst.begunAt + LONGEST_MS), () => this.#tell(id));
  }

  /** Tells at once what waits to be told. */
  flush(): void {
    for (const id of this.#bursts.keys()) {
      this.#options.schedule.delete(id);
      this.#tell(id);
    }
  }

  #tell(id: string): void {
    const burst = this.#bursts.get(id);
    if (!burst) return;
    this.#bursts.delete(id);
    const { level, message, code } = burst.happening;
    const [only, another] = burst.lines.values();
    if (only && !another) return this.#options.log[level](message, { code, ...only });
    const keys = [...burst.lines.keys()];
    const durations = [...burst.lines.values()].map(({ durationSeconds = 0 }) => durationSeconds);
    const longest = Math.max(...durations);
    this.#options.log[level](message, {
      stage: stageOf(code),
      code,
      resources: keys.length,
      namespaces: new Set(keys.map((key) => key.slice(0, key.indexOf('/')))).size,
      names: keys.slice(0, MOST_NAMES),
      ...(longest > 0 && { durationSeconds: longest }),
      ...(level === 'warn' && { hint: hintFor(code) }),
    });
  }
}
