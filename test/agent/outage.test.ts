import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Outage } from '../../agent/outage.ts';
import { FakeClock } from '../fake-clock.ts';

suite('an outage', () => {
  const begin = () => {
    const clock = new FakeClock();
    return { clock, outage: new Outage({ clock, reminderMs: 60_000 }) };
  };

  test('is told when it begins, not with each attempt, and once more when it ends, with its length', async () => {
    const { clock, outage } = begin();
    assert.equal(outage.ended(), undefined);
    assert.equal(outage.failed('ECONNREFUSED'), 'began');
    await clock.advance(10_000);
    assert.equal(outage.failed('ECONNREFUSED'), undefined);
    assert.deepEqual([outage.lastsMs, outage.attempts], [10_000, 2]);
    await clock.advance(5_000);
    assert.deepEqual(outage.ended(), { attempts: 2, durationSeconds: 15, cause: 'ECONNREFUSED' });
    assert.equal(outage.ended(), undefined);
    assert.deepEqual([outage.lastsMs, outage.attempts, outage.since], [0, 0, undefined]);
  });

  test('that ended and begins anew is told anew', () => {
    const { outage } = begin();
    outage.failed('503');
    outage.ended();
    assert.equal(outage.failed('503'), 'began');
  });

  test('with another cause is told, and how long the cause has lasted is known apart from the outage', async () => {
    const { clock, outage } = begin();
    outage.failed('503');
    await clock.advance(20_000);
    assert.equal(outage.failed('404'), 'changed');
    await clock.advance(3_000);
    assert.equal(outage.failed('404'), undefined);
    assert.deepEqual([outage.lastsFor('404'), outage.lastsFor('503'), outage.lastsMs], [3_000, 0, 23_000]);
  });

  test('whose causes take turns is told once for each', async () => {
    const { clock, outage } = begin();
    const notices: unknown[] = [];
    for (const cause of ['503', '403', '503', '403', '503']) {
      notices.push(outage.failed(cause));
      await clock.advance(1_000);
    }
    assert.deepEqual(notices, ['began', 'changed', undefined, undefined, undefined]);
    assert.equal(outage.lastsFor('403'), 0);
  });

  test('that lasts is told again from time to time', async () => {
    const { clock, outage } = begin();
    const notices: unknown[] = [];
    for (let i = 0; i < 7; i++) {
      notices.push(outage.failed('403'));
      await clock.advance(20_000);
    }
    assert.deepEqual(notices, ['began', undefined, undefined, 'lasts', undefined, undefined, 'lasts']);
  });

  test('is as long as it lasted, also where its end shows only later', async () => {
    const { clock, outage } = begin();
    outage.failed('Silent');
    await clock.advance(4_000);
    const at = clock.now();
    await clock.advance(50_000);
    assert.equal(outage.ended(at)?.durationSeconds, 4);
  });
});
