import type { VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { Schedule } from '../../agent/schedule.ts';
import { STATUS_PACE, StatusWriter, type Urgency } from '../../agent/report/status-writer.ts';
import { FakeClock } from '../fake-clock.ts';
import { resourceOf } from '../sync/objects.ts';

interface Put {
  name: string;
  node: string | undefined;
  at: number;
}

/** A StatusWriter whose writes are recorded, and answered as a test says. */
export function beginPuts() {
  const clock = new FakeClock(0);
  const schedule = new Schedule({ clock });
  const puts: Put[] = [];
  const results: string[] = [];
  /** What becomes of the next writes; absent: written at once. */
  const answers: (() => Promise<boolean>)[] = [];
  const writer = new StatusWriter({
    put: async (resource, status) => {
      puts.push({ name: resource.name, node: status.node, at: clock.now() });
      return (await answers.shift()?.()) ?? true;
    },
    schedule,
    clock,
    random: Math.random,
    pace: STATUS_PACE,
    onResult: (result) => results.push(result),
  });
  const submit = (name: string, node = 'a', urgency: Urgency = 'routine'): void =>
    writer.submit(resourceOf({ name }), { node } satisfies VSecMSecretStatus, urgency);
  return { clock, schedule, writer, puts, results, answers, submit };
}

export const fails = (): Promise<boolean> => Promise.reject(new Error('no'));
