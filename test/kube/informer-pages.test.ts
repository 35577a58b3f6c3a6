import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bookmark, event, follow, list, PATH, thing } from './followed.ts';
import { status, until } from './wire.ts';

const warnings = (lines: readonly { level: string }[]) => lines.filter(({ level }) => level !== 'info');

suite('a server that does not stream the initial state', () => {
  test('and says so is listed by pages, and watched from there', async (t) => {
    const { wire, told, informer, stop, lines } = await follow(t, { metadataOnly: true, labelSelector: 'l' });
    (await wire.next()).status(422, 'Invalid', {
      details: { causes: [{ reason: 'FieldValueForbidden', field: 'sendInitialEvents' }] },
    });
    const first = await wire.next();
    assert.equal(first.path, `${PATH}/things`);
    assert.deepEqual(Object.fromEntries(first.query), { limit: '2', labelSelector: 'l' });
    assert.match(first.header('accept') ?? '', /as=PartialObjectMetadataList;/);
    first.answer(200, list(7, [thing('a', 1), thing('b', 2)], 'more'));
    const second = await wire.next();
    assert.deepEqual(Object.fromEntries(second.query), { limit: '2', continue: 'more', labelSelector: 'l' });
    assert.equal(informer.synced(), false);
    second.answer(200, list(7, [thing('c', 3)]));
    const watch = await wire.next();
    assert.deepEqual(Object.fromEntries(watch.query), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '300',
      resourceVersion: '7',
      labelSelector: 'l',
    });
    await informer.whenSynced(stop.signal);
    assert.deepEqual(await told('+ns/a', '+ns/b', '+ns/c'), ['+ns/a', '+ns/b', '+ns/c']);
    assert.deepEqual(
      lines.map(({ msg, cause }) => [msg, cause]),
      [['the whole state does not come as a stream; it is listed by pages for a while', 'Invalid']],
    );
    watch.events({ type: 'ERROR', object: status(410, 'Expired') });
    assert.equal((await wire.next()).query.get('limit'), '2', 'it is not asked to stream again at once');
  });

  test('is asked to again after some minutes, and what was told of it is told to have ended', async (t) => {
    const { wire, start, clock, lines, told } = await follow(t);
    (await wire.next()).status(422, 'Invalid');
    (await wire.next()).answer(200, list(7, [thing('a', 1)]));
    const watch = (await wire.next()).events(event('ADDED', thing('b', 8)));
    await told('+ns/a', '+ns/b');
    await clock.advance(90_000);
    watch.events(bookmark(9), event('ADDED', thing('c', 9)));
    await told('+ns/c');
    clock.jump(210_000);
    watch.events({ type: 'ERROR', object: status(410, 'Expired') });
    await start(thing('a', 1));
    await until(() => lines.length === 4);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      [
        'the whole state does not come as a stream; it is listed by pages for a while',
        'list and watch failed, trying again',
        'the whole state comes as a stream again',
        'list and watch work again',
      ],
    );
  });

  test('and ignores the wish is found out by its first bookmark', async (t) => {
    const { wire, told } = await follow(t);
    const watch = await wire.next();
    watch.events(event('ADDED', thing('a', 1)), bookmark(5));
    const page = await wire.next();
    assert.equal(page.query.get('limit'), '2');
    await watch.whenClosed();
    page.answer(200, list(8, [thing('b', 2)]));
    assert.equal((await wire.next()).query.get('resourceVersion'), '8');
    assert.deepEqual(await told('+ns/a', '+ns/b', '-ns/a'), ['+ns/a', '+ns/b', '-ns/a']);
  });

  test('and ignores the wish without bookmarks is found out by its silence', async (t) => {
    const { wire, told, clock } = await follow(t);
    const watch = await wire.next();
    watch.events(event('ADDED', thing('a', 1)));
    await told('+ns/a');
    await clock.advance(19_999);
    watch.events(event('ADDED', thing('b', 1)));
    await told('+ns/b');
    await clock.advance(19_999);
    assert.equal(wire.waiting, 0);
    await clock.advance(1);
    const page = await wire.next();
    assert.equal(page.query.get('limit'), '2');
    page.answer(200, list(8, [thing('a', 1)]));
    await wire.next();
    assert.deepEqual(await told(), ['-ns/b']);
  });

  test('or ends before the state is complete is listed by pages', async (t) => {
    const { wire, told } = await follow(t);
    const watch = await wire.next();
    watch.events(event('ADDED', thing('a', 1))).end();
    assert.equal((await wire.next()).query.get('limit'), '2');
    await told('+ns/a');
  });
});

suite('pages', () => {
  test('whose snapshot is dropped in the middle are asked for in one piece', async (t) => {
    const { wire, told, informer, stop, lines } = await follow(t);
    (await wire.next()).status(400, 'BadRequest');
    (await wire.next()).answer(200, list(7, [thing('a', 1), thing('b', 2)], 'more'));
    (await wire.next()).status(410, 'Expired');
    const whole = await wire.next();
    assert.deepEqual(Object.fromEntries(whole.query), {});
    whole.answer(200, list(9, [thing('a', 8), thing('c', 3)]));
    await informer.whenSynced(stop.signal);
    const wanted = ['+ns/a', '+ns/b', '~ns/a red→red', '+ns/c', '-ns/b'];
    assert.deepEqual(await told(...wanted), wanted);
    assert.equal((await wire.next()).query.get('resourceVersion'), '9');
    assert.deepEqual(warnings(lines), []);
  });

  test('that are too large are asked for again with fewer objects, from where they began', async (t) => {
    const { wire, told, informer, stop, lines } = await follow(t);
    const large = { ...thing('b', 2), bloat: 'x'.repeat(13 * 1024 * 1024) };
    (await wire.next()).status(400, 'BadRequest');
    (await wire.next()).answer(200, list(7, [thing('a', 1), thing('z', 1)], 'more'));
    (await wire.next()).answer(200, list(7, [thing('b', 2), large], 'end'));
    const again = await wire.next();
    assert.deepEqual(Object.fromEntries(again.query), { limit: '1', continue: 'more' });
    again.answer(200, list(7, [thing('b', 2)]));
    await informer.whenSynced(stop.signal);
    const wanted = ['+ns/a', '+ns/z', '+ns/b'];
    assert.deepEqual(await told(...wanted), wanted);
    assert.deepEqual(warnings(lines), []);
  });

  test('of metadata hold null instead of an empty list, as kube-apiserver 1.37 writes it', async (t) => {
    const { wire, informer, stop, lines } = await follow(t, { metadataOnly: true });
    (await wire.next()).status(422, 'Invalid');
    (await wire.next()).answer(200, { metadata: { resourceVersion: '9' }, items: null });
    await informer.whenSynced(stop.signal);
    assert.equal((await wire.next()).query.get('resourceVersion'), '9');
    assert.deepEqual(warnings(lines), []);
  });

  test('that fail are begun anew, and so are those that are no list', async (t) => {
    const { wire, informer, stop, lines } = await follow(t);
    (await wire.next()).status(422, 'Invalid');
    (await wire.next()).status(500, 'InternalError');
    (await wire.next()).answer(200, { items: 's3cr3t' });
    (await wire.next()).answer(200, '<s3cr3t>');
    (await wire.next()).answer(200, { items: [] });
    (await wire.next()).answer(200, list(9, []));
    await informer.whenSynced(stop.signal);
    assert.deepEqual(
      lines.slice(1).map(({ msg, status }) => [msg, status]),
      [
        ['list and watch failed, trying again', 500],
        ['list and watch failed, trying again', undefined],
        ['list and watch work again', undefined],
      ],
    );
    assert.equal(lines.at(-1)?.attempt, 4);
  });
});
