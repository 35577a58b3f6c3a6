import { hintFor, isOutside, stageOf, type Code } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Schedule } from '../schedule.ts';
import type { Subject } from './subject.ts';

export interface ReminderOptions {
  subjects: ReadonlyMap<string, Subject>;
  schedule: Schedule;
  clock: Clock;
  log: Log;
  /** How often, milliseconds. */
  everyMs: number;
}

/** Says from time to time which failures of resources last: one line for each code. Those of a Safe tell themselves. */
export class Reminder {
  readonly #options: ReminderOptions;

  constructor(options: ReminderOptions) {
    this.#options = options;
  }

  start(): void {
    const { schedule, clock, everyMs } = this.#options;
    schedule.set('remind of resources', clock.now() + everyMs, () => {
      this.#remind();
      this.start();
    });
  }

  #remind(): void {
    const { subjects, clock, everyMs, log } = this.#options;
    const byCode = new Map<Code, { keys: string[]; since: number }>();
    for (const { key, facts } of subjects.values()) {
      const { failure, status } = facts.told;
      const told = Date.parse(status.failure?.since ?? '');
      // What began since the last reminder has its own line, just now.
      if (!failure || isOutside(failure.code) || !(told <= clock.wall() - everyMs)) continue;
      const { keys, since } = byCode.get(failure.code) ?? { keys: [], since: Infinity };
      keys.push(key);
      byCode.set(failure.code, { keys, since: Math.min(since, told) });
    }
    for (const [code, { keys, since }] of byCode) {
      const [namespace = '', name = ''] = keys.length === 1 ? (keys[0] ?? '').split('/') : [];
      log.warn('VSecMSecrets still fail', {
        stage: stageOf(code),
        code,
        ...(name !== '' && { namespace, name }),
        resources: keys.length,
        namespaces: new Set(keys.map((key) => key.slice(0, key.indexOf('/')))).size,
        since: new Date(since).toISOString(),
        hint: hintFor(code, name === '' ? {} : { namespace, name }),
      });
    }
  }
}
