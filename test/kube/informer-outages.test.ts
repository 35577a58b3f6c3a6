import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bookmark, event, follow, thing } from './followed.ts';
import { status, until } from './wire.ts';

suite('a watch that ends', () => {
  test('well, as the server does when the CRD changes, is opened again at once where it was', async (t) => {
    const { wire, start, clock, lines, restarts } = await follow(t, { random: 0.999 });
    const watch = await start();
    watch.events(bookmark(25));
    await clock.advance(1_000);
    watch.end();
    const again = await wire.next();
    assert.equal(again.query.get('resourceVersion'), '25');
    assert.equal(again.query.get('sendInitialEvents'), null);
    assert.equal(again.query.get('timeoutSeconds'), '599');
    assert.deepEqual(lines, []);
    assert.deepEqual(await restarts(), [
      'vsecm_agent_kube_watch_restarts_total{resource="things",reason="ended"} 1',
    ]);
  });

  test('well but always at once is opened again ever more slowly', async (t) => {
    const { wire, start, clock, told } = await follow(t, { random: 0.5 });
    (await start()).end();
    for (const bound of [500, 1_000, 2_000]) {
      await clock.whenPending((ms) => ms === bound);
      assert.equal(wire.waiting, 0);
      await clock.advance(bound);
      (await wire.next()).events(bookmark(11)).end();
    }
    await clock.whenPending((ms) => ms === 4_000);
    await clock.advance(4_000);
    const healthy = (await wire.next()).events(event('ADDED', thing('a', 12)));
    await told('+ns/a');
    await clock.advance(10_000);
    healthy.end();
    (await wire.next()).events().end();
    await clock.whenPending((ms) => ms === 500);
  });

  for (const [what, breaks] of [
    ['by a reset', (watch) => watch.reset()],
    ['in the middle of a line', (watch) => (watch.raw('{"type":"ADDED","object":{"s3cr3t'), watch.end())],
    ['by an ERROR event', (watch) => watch.events({ type: 'ERROR', object: status(500, 'InternalError') })],
  ] satisfies [string, (watch: Awaited<ReturnType<Awaited<ReturnType<typeof follow>>['start']>>) => void][]) {
    test(`${what} is resumed where it was, after a delay, with a line for the failure and one for its end`, async (t) => {
      const { wire, start, clock, lines, told, restarts } = await follow(t, { random: 0.5 });
      const watch = await start(thing('a', 1));
      watch.events(event('MODIFIED', thing('a', 17, { color: 'blue' })));
      await told('~');
      breaks(watch);
      await clock.whenPending((ms) => ms === 500);
      assert.equal(lines.length, 1);
      assert.deepEqual([lines[0]?.level, lines[0]?.msg], ['warn', 'list and watch failed, trying again']);
      assert.equal(lines[0]?.nextRetry, new Date(clock.now() + 500).toISOString());
      await clock.advance(500);
      const again = await wire.next();
      assert.equal(again.query.get('resourceVersion'), '17');
      again.reset();
      await clock.whenPending((ms) => ms === 1_000);
      await clock.advance(1_000);
      (await wire.next()).events(event('DELETED', thing('a', 18)));
      assert.deepEqual(await told('-ns/a'), ['-ns/a']);
      const last = lines.at(-1);
      assert.deepEqual(
        [last?.level, last?.msg, last?.attempt, last?.durationSeconds, last?.resource],
        ['info', 'list and watch work again', 2, 2, 'things'],
      );
      assert.doesNotMatch(JSON.stringify(lines), /s3cr3t/);
      assert.deepEqual(await restarts(), [
        'vsecm_agent_kube_watch_restarts_total{resource="things",reason="failed"} 2',
      ]);
    });
  }

  test('in silence is given up after the watchdog, and the state is taken anew: silence may have hidden anything', async (t) => {
    const { wire, start, clock, lines, restarts, told, informer } = await follow(t);
    const watch = await start(thing('a', 1));
    await clock.advance(60_000);
    watch.events(bookmark(30));
    // The bookmark has arrived when the event behind it was told.
    watch.events(event('ADDED', thing('b', 31)));
    await told('+ns/b');
    await clock.advance(99_999);
    assert.equal(wire.waiting, 0);
    await clock.advance(1);
    const again = await wire.next();
    assert.equal(again.query.get('sendInitialEvents'), 'true');
    again.events(event('ADDED', thing('b', 31)), event('ADDED', thing('c', 32)), bookmark(40, true));
    assert.deepEqual(await told('+ns/c', '-ns/a'), ['+ns/c', '-ns/a']);
    assert.equal(informer.size, 2);
    assert.deepEqual(
      lines.map(({ msg, cause }) => [msg, cause]),
      [['list and watch failed, trying again', 'Silent']],
      'a state that arrives does not show that the watch works',
    );
    again.events(bookmark(41));
    await until(() => lines.length === 2);
    assert.equal(lines[1]?.msg, 'list and watch work again');
    assert.deepEqual(await restarts(), [
      'vsecm_agent_kube_watch_restarts_total{resource="things",reason="silent"} 1',
    ]);
  });
});

suite('history that is gone', () => {
  for (const byEvent of [true, false]) {
    test(`(410 as ${byEvent ? 'event' : 'status'}) makes the state be taken anew, and only what changed is told`, async (t) => {
      const { wire, start, told, clock, restarts } = await follow(t, { random: 0.5 });
      const watch = await start(thing('same', 1), thing('changed', 2), thing('gone', 3));
      if (byEvent) {
        watch.events({ type: 'ERROR', object: status(410, 'Expired') });
      } else {
        await clock.advance(1_000);
        watch.end();
        (await wire.next()).status(410, 'Expired');
      }
      await clock.whenPending((ms) => ms === 500);
      await clock.advance(500);
      const again = await wire.next();
      assert.equal(again.query.get('sendInitialEvents'), 'true');
      assert.equal(again.query.get('resourceVersion'), null);
      const objects = [thing('same', 1), thing('changed', 20, { color: 'blue' }), thing('new', 21)];
      again.events(...objects.map((object) => event('ADDED', object)), bookmark(22, true));
      const wanted = ['~ns/changed red→blue', '+ns/new', '-ns/gone'];
      assert.deepEqual(await told(...wanted), wanted);
      assert.ok(
        (await restarts()).includes(
          'vsecm_agent_kube_watch_restarts_total{resource="things",reason="gone"} 1',
        ),
      );
    });
  }

  test('of an API server that is behind (ResourceVersionTooLarge) does the same', async (t) => {
    const { wire, start } = await follow(t);
    const causes = [{ reason: 'ResourceVersionTooLarge' }];
    (await start()).events({ type: 'ERROR', object: status(504, 'Timeout', { details: { causes } }) });
    assert.equal((await wire.next()).query.get('sendInitialEvents'), 'true');
  });

  test('does not make a state of half an answer', async (t) => {
    const { wire, start, told, informer } = await follow(t);
    (await start(thing('a', 1), thing('b', 2))).events({ type: 'ERROR', object: status(410, 'Expired') });
    const half = await wire.next();
    half.events(event('ADDED', thing('b', 20, { color: 'blue' })));
    await told('~ns/b');
    half.reset();
    const whole = await wire.next();
    assert.equal(whole.query.get('sendInitialEvents'), 'true');
    assert.equal(informer.size, 2);
    whole.events(event('ADDED', thing('b', 20, { color: 'blue' })), bookmark(21, true));
    assert.deepEqual(await told('-ns/a'), ['-ns/a']);
  });
});

suite('a server that refuses', () => {
  test('with Retry-After is left alone for so long and a little longer', async (t) => {
    const { wire, clock, lines } = await follow(t, { random: 0.5 });
    (await wire.next()).status(429, 'TooManyRequests', {}, { 'retry-after': '7' });
    await clock.whenPending((ms) => ms === 7_700);
    assert.deepEqual([lines[0]?.status, lines[0]?.reason], [429, 'TooManyRequests']);
    await clock.advance(7_699);
    assert.equal(wire.waiting, 0);
    await clock.advance(1);
    await wire.next();
  });

  test('again and again is asked ever more rarely, never given up, and each cause is logged once', async (t) => {
    const { wire, clock, lines } = await follow(t, { random: 0.5 });
    for (const [attempt, code] of [500, 503, 403, 429, 504, 500, 502].entries()) {
      const delay = Math.min(15_000, 500 * 2 ** attempt);
      (await wire.next()).status(code, 'Whatever');
      await clock.whenPending((ms) => ms === delay);
      await clock.advance(delay);
    }
    assert.deepEqual(
      lines.map(({ level, status }) => [level, status]),
      [
        ['warn', 500],
        ['warn', 403],
        ['warn', 429],
      ],
    );
    (await wire.next()).events(bookmark(1, true));
    await until(() => lines.length === 4);
    assert.equal(lines[3]?.msg, 'list and watch work again');
  });

  test('for lack of the CRD is asked until it is there, with one line', async (t) => {
    const { wire, informer, stop, lines, told } = await follow(t);
    for (let i = 0; i < 5; i++) (await wire.next()).answer(404, '404 page not found\n');
    const watch = await wire.next();
    assert.equal(informer.synced(), false);
    watch.events(event('ADDED', thing('a', 1)), bookmark(2, true));
    await informer.whenSynced(stop.signal);
    assert.deepEqual(await told('+ns/a'), ['+ns/a']);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['the API server does not know this resource yet, trying again', 'list and watch work again'],
    );
  });

  test('for lack of the CRD takes the objects away after a minute, not before', async (t) => {
    const { wire, start, clock, told, informer } = await follow(t, { random: 0.5 });
    const watch = await start(thing('a', 1));
    await clock.advance(1_000);
    watch.end();
    for (let passed = 0, delay = 500; passed < 60_000; passed += delay, delay = Math.min(15_000, delay * 2)) {
      (await wire.next()).answer(404, '');
      await clock.whenPending((ms) => ms === delay);
      assert.equal(informer.size, 1);
      await clock.advance(delay);
    }
    (await wire.next()).answer(404, '');
    assert.deepEqual(await told('-ns/a'), ['-ns/a']);
    await clock.whenPending();
    await clock.advance(15_000);
    assert.equal((await wire.next()).query.get('sendInitialEvents'), 'true');
  });

  test('one namespace of several is not waited for, and its objects come when it no longer does', async (t) => {
    const { wire, clock, informer, stop, lines, told } = await follow(t, {
      namespaces: ['one', 'two'],
      random: 0.5,
    });
    const asked = [await wire.next(), await wire.next()];
    const [one, two] = ['one', 'two'].map((name) => asked.find(({ path }) => path.includes(`/${name}/`))!);
    two!.status(403, 'Forbidden');
    await until(() => lines.length === 1);
    assert.equal(informer.synced(), false);
    one!.events(bookmark(10, true));
    await informer.whenSynced(stop.signal);
    assert.deepEqual([lines[0]?.namespace, lines[0]?.status], ['two', 403]);
    await clock.whenPending((ms) => ms === 500);
    await clock.advance(500);
    (await wire.next()).events(event('ADDED', thing('a', 11, { namespace: 'two' })), bookmark(12, true));
    assert.deepEqual(await told('+two/a'), ['+two/a']);
  });

  test('all namespaces is waited for', async (t) => {
    const { wire, clock, informer } = await follow(t, { random: 0.5 });
    (await wire.next()).status(403, 'Forbidden');
    await clock.whenPending((ms) => ms === 500);
    assert.equal(informer.synced(), false);
  });

  test('connections is asked again, until the agent ends', async (t) => {
    const { wire, start, clock, lines, end } = await follow(t, { random: 0.5 });
    await start();
    await wire.stop();
    await clock.whenPending((ms) => ms === 500);
    await clock.advance(500);
    await clock.whenPending((ms) => ms === 1_000);
    assert.match(lines[0]?.cause ?? '', /UND_ERR_SOCKET|ECONNRESET/);
    await end();
    assert.deepEqual(clock.pending, []);
  });
});
