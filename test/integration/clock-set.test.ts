import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, type Clock } from '../../agent/clock.ts';
import { FAST } from '../stage/stage.ts';
import { credentials, Scene, vss } from '../stage/scene.ts';

const HOUR_MS = 3_600_000;

/** The machine's clock, which was ahead (less than an SVID lasts) when the agent started, and is set by the test. */
class SetClock implements Clock {
  #aheadMs: number;
  readonly #from: number;

  constructor(aheadMs: number) {
    this.#aheadMs = this.#from = aheadMs;
  }

  now = (): number => systemClock.now() + this.#from;
  wall = (): number => systemClock.wall() + this.#aheadMs;
  after = systemClock.after;

  set(aheadMs: number): void {
    this.#aheadMs = aheadMs;
  }
}

test(
  'an agent on a machine whose clock was wrong, and is set by hours, serves as before and tells right dates',
  { timeout: 60_000 },
  async () => {
    const clock = new SetClock((2 / 3) * HOUR_MS);
    await using scene = await Scene.start(() => ({}), { pace: FAST, floorMs: 50, clock });
    await scene.stage.namespace('shop');
    await scene.register('shop', credentials(), ['shop']);
    const serve = async (name: string): Promise<void> => {
      await scene.apply(vss(name, { data: [{ key: 'p', ref: 'shop.cocaCola.data.password' }] }), 'shop');
      const { status } = await scene.vss('shop', name);
      const [event] = await scene.events('shop', name);
      for (const date of [status.lastSyncTime, status.conditions[0].lastTransitionTime, event?.eventTime])
        assert.ok(
          Math.abs(Date.parse(date) - clock.wall()) < 60_000,
          `${name}: ${date} at ${new Date(clock.wall()).toISOString()}`,
        );
    };
    await serve('ahead');
    for (const [name, aheadMs] of [
      ['right', 0],
      ['behind', -3 * HOUR_MS],
      ['right-again', 0],
    ] as const) {
      clock.set(aheadMs);
      await scene.agent.log.when(
        ({ msg, bySeconds }) => msg === 'The clock of this machine was set' && bySeconds !== 0,
        scene.agent.log.lines.length,
      );
      await serve(name);
    }
  },
);
