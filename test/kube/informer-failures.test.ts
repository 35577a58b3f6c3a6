import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bookmark, event, follow, thing } from './followed.ts';
import { until } from './wire.ts';

type Followed = Awaited<ReturnType<typeof follow>>;

/** Fails what is asked until `totalMs` have passed, at the pace of the informer's backoff with half of the jitter. */
async function outage({ wire, clock }: Followed, code: number, totalMs: number): Promise<number> {
  let delay = 500;
  for (let passed = 0; passed < totalMs; passed += delay, delay = Math.min(15_000, delay * 2)) {
    (await wire.next()).status(code, 'ServiceUnavailable');
    await clock.whenPending((ms) => ms === delay);
    await clock.advance(delay);
  }
  return delay;
}

suite('an API server that fails', () => {
  test('for two minutes and then says 404 once has not lost the kind: the objects stay', async (t) => {
    const followed = await follow(t, { random: 0.5 });
    const { wire, start, clock, informer, changes } = followed;
    const watch = await start(thing('a', 1), thing('b', 2));
    await clock.advance(1_000);
    watch.end();
    await outage(followed, 503, 120_000);
    (await wire.next()).answer(404, '404 page not found\n');
    await clock.whenPending((ms) => ms === 15_000);
    assert.deepEqual([informer.size, changes], [2, []]);
  });

  test('slowly is asked ever more rarely, whether lists or openings of watches take so long', async (t) => {
    for (const pages of [true, false]) {
      const { wire, clock, end } = await follow(t, { random: 0.5 });
      if (pages) (await wire.next()).status(422, 'Invalid');
      const delays: number[] = [];
      for (let i = 0; i < 5; i++) {
        await wire.next(); // and no answer
        await clock.advance(pages ? 60_000 : 20_000);
        await until(() => clock.pending.length > 0);
        const [delay = NaN] = clock.pending;
        delays.push(delay);
        await clock.advance(delay);
      }
      assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000]);
      await end();
    }
  });

  test('and asks to be left alone for a month is left alone for a minute', async (t) => {
    for (const wish of ['2592000', '99999999999999']) {
      const { wire, clock, end } = await follow(t, { random: 0.5 });
      (await wire.next()).status(503, 'ServiceUnavailable', {}, { 'retry-after': wish });
      await clock.whenPending((ms) => ms === 66_000);
      await end();
    }
  });

  test('for another reason than before is told so', async (t) => {
    const { wire, clock, lines } = await follow(t, { random: 0.5 });
    (await wire.next()).status(503, 'ServiceUnavailable');
    for (const delay of [500, 1_000, 2_000]) {
      await clock.whenPending((ms) => ms === delay);
      await clock.advance(delay);
      (await wire.next()).status(403, 'Forbidden');
    }
    await clock.whenPending((ms) => ms === 4_000);
    assert.deepEqual(
      lines.map(({ level, msg, status }) => [level, msg, status]),
      [
        ['warn', 'list and watch failed, trying again', 503],
        ['warn', 'list and watch failed, trying again', 403],
      ],
    );
  });

  test('for so long that etcd may have been restored meanwhile is asked for the whole state', async (t) => {
    const followed = await follow(t, { random: 0.5 });
    const { wire, start, clock, told } = followed;
    const watch = await start(thing('a', 1));
    await clock.advance(1_000);
    watch.end();
    await outage(followed, 503, 15_000);
    const again = await wire.next();
    assert.equal(again.query.get('sendInitialEvents'), 'true');
    again.events(event('ADDED', thing('b', 8)), bookmark(20, true));
    assert.deepEqual(await told('+ns/b', '-ns/a'), ['+ns/b', '-ns/a']);
  });
});

suite('versions that went back', () => {
  test('are noticed before a watch is resumed; the state is taken anew and it is said', async (t) => {
    let rewound = 0;
    const { wire, start, clock, told, lines, restarts } = await follow(t, {
      onRewound: () => (rewound += 1),
      version: () => 7,
    });
    const watch = await start(thing('a', 1), thing('b', 9));
    await clock.advance(1_000);
    watch.end();
    const again = await wire.next();
    assert.equal(again.query.get('sendInitialEvents'), 'true');
    assert.equal(rewound, 0);
    again.events(event('ADDED', thing('a', 1)), event('ADDED', thing('c', 6)), bookmark(8, true));
    assert.deepEqual(await told('+ns/c', '-ns/b'), ['+ns/c', '-ns/b']);
    await until(() => rewound === 1);
    assert.deepEqual(
      lines.map(({ level, msg, resource, count }) => [level, msg, resource, count]),
      [
        [
          'warn',
          'the API server went back to an earlier state, as after a restore: all is looked at anew',
          'things',
          2,
        ],
      ],
    );
    assert.ok(
      (await restarts()).includes(
        'vsecm_agent_kube_watch_restarts_total{resource="things",reason="rewound"} 1',
      ),
    );
    // From here on the versions of the restored etcd count.
    again.events(event('ADDED', thing('d', 9)));
    assert.deepEqual(await told('+ns/d'), ['+ns/d']);
  });

  test('are noticed by a watch that tells an older one', async (t) => {
    const { wire, start } = await follow(t);
    const watch = await start(thing('a', 1));
    watch.events(event('ADDED', thing('b', 9)));
    assert.equal((await wire.next()).query.get('sendInitialEvents'), 'true');
  });

  test('are noticed, at the latest, when nothing was heard for the watchdog', async (t) => {
    let rewound = 0;
    const { wire, start, clock } = await follow(t, { onRewound: () => (rewound += 1) });
    await start(thing('a', 1));
    await clock.advance(100_000);
    (await wire.next()).events(event('ADDED', thing('a', 1)), bookmark(8, true));
    await until(() => rewound === 1);
  });
});
