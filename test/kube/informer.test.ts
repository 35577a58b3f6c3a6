import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bookmark, event, follow, list, PATH, thing } from './followed.ts';
import { status, until } from './wire.ts';

suite('the whole state', () => {
  test('streams in, and is complete with its bookmark', async (t) => {
    const { wire, informer, told, stop } = await follow(t, { metadataOnly: true, labelSelector: 'a=b,c' });
    const watch = await wire.next();
    assert.equal(watch.path, `${PATH}/things`);
    assert.deepEqual(Object.fromEntries(watch.query), {
      watch: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '300',
      labelSelector: 'a=b,c',
    });
    assert.match(watch.header('accept') ?? '', /as=PartialObjectMetadata;/);
    watch.events(event('ADDED', thing('a', 1)), event('ADDED', thing('b', 2)));
    assert.deepEqual(await told('+ns/a', '+ns/b'), ['+ns/a', '+ns/b']);
    assert.equal(informer.synced(), false);
    watch.events(bookmark(10, true));
    await informer.whenSynced(stop.signal);
    assert.equal(informer.synced(), true);
    assert.equal(informer.size, 2);
    assert.equal(informer.get('ns/a')?.uid, 'uid-a');
    assert.equal(informer.get('ns/c'), undefined);
    assert.deepEqual(
      [...informer.values()].map(({ name }) => name),
      ['a', 'b'],
    );
  });

  test('may change while it streams in', async (t) => {
    const { wire, informer, told } = await follow(t);
    const watch = await wire.next();
    const added = [event('ADDED', thing('a', 1)), event('ADDED', thing('b', 2))];
    watch.events(
      ...added,
      event('MODIFIED', thing('b', 11, { color: 'blue' })),
      event('DELETED', thing('a', 12)),
      bookmark(12, true),
    );
    const wanted = ['+ns/a', '+ns/b', '~ns/b red→blue', '-ns/a'];
    assert.deepEqual(await told(...wanted), wanted);
    assert.equal(informer.size, 1);
  });

  test('is told in order by a watch, with what it was before', async (t) => {
    const { start, told } = await follow(t);
    const watch = await start(thing('a', 1));
    watch.events(
      event('MODIFIED', thing('a', 11, { color: 'blue' })),
      event('MODIFIED', thing('a', 11, { color: 'blue' })),
      event('DELETED', thing('x', 12)),
      event('ADDED', thing('c', 13)),
      event('DELETED', thing('a', 14)),
    );
    const wanted = ['~ns/a red→blue', '+ns/c', '-ns/a'];
    assert.deepEqual(await told(...wanted), wanted);
  });

  test('of several namespaces is one, and complete when each of them is', async (t) => {
    const { wire, informer, stop, told } = await follow(t, { namespaces: ['one', 'two'] });
    const watches = [await wire.next(), await wire.next()];
    const [one, two] = watches.toSorted((a, b) => a.path.localeCompare(b.path));
    assert.deepEqual(
      [one?.path, two?.path],
      [`${PATH}/namespaces/one/things`, `${PATH}/namespaces/two/things`],
    );
    one?.events(event('ADDED', thing('a', 1, { namespace: 'one' })), bookmark(9, true));
    await told('+one/a');
    assert.equal(informer.synced(), false);
    two?.events(event('ADDED', thing('a', 2, { namespace: 'two' })), bookmark(9, true));
    await informer.whenSynced(stop.signal);
    assert.equal(informer.size, 2);
    assert.equal(informer.get('two/a')?.resourceVersion, '2');
    one?.events({ type: 'ERROR', object: status(410, 'Expired') });
    const again = await wire.next();
    assert.equal(again.path, one?.path);
    again.events(bookmark(20, true));
    await until(() => informer.size === 1);
    assert.deepEqual(
      [...informer.values()].map(({ key }) => key),
      ['two/a'],
    );
  });

  test('is waited for only as long as the agent lives', async (t) => {
    const { informer, stop } = await follow(t);
    const waiting = informer.whenSynced(stop.signal);
    stop.abort();
    await waiting;
    await informer.whenSynced(stop.signal);
    assert.equal(informer.synced(), false);
  });
});

suite('what parse and the handler do', () => {
  test('parse decides what is kept', async (t) => {
    const { start, told, informer } = await follow(t);
    const watch = await start(thing('a', 1, { color: 'none' }), thing('b', 2));
    assert.equal(informer.size, 1);
    watch.events(
      event('MODIFIED', thing('a', 11, { color: 'none' })),
      event('MODIFIED', thing('b', 12, { color: 'none' })),
      event('DELETED', thing('b', 13, { color: 'none' })),
      event('MODIFIED', thing('a', 14)),
    );
    assert.deepEqual(await told('-ns/b', '+ns/a'), ['-ns/b', '+ns/a']);
  });

  test('a parser that throws costs one object, a handler that throws one change', async (t) => {
    const { start, told, lines, informer } = await follow(t, {
      onChange(key) {
        if (key === 'ns/b') throw Object.assign(new Error('s3cr3t'), { code: 'EBROKEN' });
      },
    });
    const watch = await start();
    watch.events(
      event('ADDED', thing('a', 11, { color: 'broken' })),
      event('ADDED', thing('b', 12)),
      event('ADDED', thing('c', 13)),
    );
    assert.deepEqual(await told('+ns/b', '+ns/c'), ['+ns/b', '+ns/c']);
    assert.equal(informer.size, 2);
    const told1 = lines.map(({ level, msg, resource, namespace, name, code }) => [
      level,
      msg,
      resource,
      namespace,
      name,
      code,
    ]);
    assert.deepEqual(told1, [
      ['error', 'parsing an object failed, it is ignored', 'things', 'ns', 'a', 'TypeError'],
      ['error', 'handling a change failed', 'things', 'ns', 'b', 'EBROKEN'],
    ]);
    assert.doesNotMatch(JSON.stringify(lines), /s3cr3t/);
  });

  for (const [what, write] of [
    ['without metadata', (watch) => watch.events({ type: 'ADDED', object: {} })],
    ['that is no event', (watch) => watch.raw('{"type":"s3cr3t"}\n')],
    ['without end', (watch) => watch.raw('x'.repeat(17 * 1024 * 1024))],
  ] satisfies [string, (watch: Awaited<ReturnType<Awaited<ReturnType<typeof follow>>['start']>>) => void][]) {
    test(`a watch event ${what} is not met again: the state is taken anew, by pages if the stream has it too`, async (t) => {
      const { start, wire, told } = await follow(t);
      write(await start());
      const again = await wire.next();
      assert.equal(again.query.get('sendInitialEvents'), 'true');
      write(again);
      const page = await wire.next();
      assert.equal(page.query.get('limit'), '2');
      page.answer(200, list(20, [thing('a', 11)]));
      assert.deepEqual(await told('+ns/a'), ['+ns/a']);
      assert.equal((await wire.next()).query.get('resourceVersion'), '20');
    });
  }
});
