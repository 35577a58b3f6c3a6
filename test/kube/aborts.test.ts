import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { suite, test } from 'node:test';
import type { KubeError } from '../../agent/kube/error.ts';
import { secured } from './secured.ts';
import type { Wire } from './wire.ts';

const GET = { method: 'GET', path: '/x' } as const;

/** Code of the error that a promise ends with. */
const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => 'answered',
    (error: KubeError) => error.code,
  );

/** Lets the two sides get on with each other. */
async function rounds(): Promise<void> {
  for (let i = 0; i < 50; i++) await setImmediate();
}

/** Answers whatever comes with headers and no end: what was abandoned unseen by the server, too. */
async function answerAll(wire: Wire): Promise<never> {
  for (;;) (await wire.next()).events();
}

suite('an abort on a live HTTP/2 connection', () => {
  test('ends the request alone, at whatever moment it comes, and so does a cut of the connection after it', async (t) => {
    const { wire, client } = await secured(t);
    const first = client.request(GET);
    (await wire.next()).answer(200, {});
    await first;
    void answerAll(wire);
    // A request starts some microtasks after it was asked for; each of them is tried.
    for (let microtasks = 0; microtasks < 40; microtasks++) {
      const stop = new AbortController();
      const ended = codeOf(client.request({ ...GET, signal: stop.signal }));
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      stop.abort();
      assert.equal(await ended, 'Aborted');
    }
    assert.equal(wire.connections, 1);
    await rounds();
    await wire.stop(); // an uncaught exception would fail this test
    await rounds();
  });

  test('of a watch does the same', async (t) => {
    const { wire, client } = await secured(t);
    const watch = (signal: AbortSignal) =>
      client.stream('/w', {}, { signal, silenceMs: 1e6 }).next() as Promise<unknown>;
    const living = new AbortController();
    const kept = codeOf(watch(living.signal));
    void answerAll(wire);
    for (let microtasks = 0; microtasks < 40; microtasks++) {
      const stop = new AbortController();
      const ended = codeOf(watch(stop.signal));
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      stop.abort();
      assert.equal(await ended, 'Aborted');
    }
    await rounds();
    await wire.stop();
    assert.notEqual(await kept, 'Aborted');
    await rounds();
  });
});

suite('the end of a term', () => {
  test('abandons what reads, lets a write that has left come to its end, and lets nothing leave any more', async (t) => {
    const { wire, client } = await secured(t);
    const term = new AbortController();
    const termed = client.until(term.signal);
    const written = termed.apply('/x', {}, { fieldManager: 'm', force: true });
    const write = await wire.next();
    const read = codeOf(termed.request(GET));
    await wire.next();
    const watch = codeOf(
      termed.stream('/w', {}, { signal: new AbortController().signal, silenceMs: 1e6 }).next(),
    );
    (await wire.next()).events();
    term.abort();
    assert.deepEqual([await read, await watch], ['NotSent', 'NotSent']);
    assert.equal(await codeOf(termed.request({ ...GET, method: 'DELETE' })), 'NotSent');
    assert.equal(await codeOf(termed.request(GET)), 'NotSent');
    write.answer(201, { ok: true });
    assert.deepEqual(await written, { created: true, object: { ok: true } });
    const other = client.request(GET);
    (await wire.next()).answer(200, { ok: true });
    assert.deepEqual(await other, { ok: true }, 'the client itself goes on');
  });
});

suite('a request that may not leave any more', () => {
  test('does not, whether that shows before the connection is there or after', async (t) => {
    const { wire, client } = await secured(t);
    let asked = 0;
    // The first question comes when credentials were read, the second when the connection is there.
    for (const allowed of [0, 1]) {
      asked = 0;
      const mayLeave = (): boolean => asked++ < allowed;
      assert.equal(
        await codeOf(client.apply('/x', {}, { fieldManager: 'm', force: true, mayLeave })),
        'NotSent',
      );
      assert.equal(asked, allowed + 1);
    }
    assert.equal(wire.requests, 0);
    const answer = client.request({ ...GET, mayLeave: () => true });
    (await wire.next()).answer(200, { ok: true });
    assert.deepEqual(await answer, { ok: true });
  });

  test('does not, also where it waited for a connection behind others', async (t) => {
    const { wire, client } = await secured(t);
    let may = true;
    const withheld = codeOf(client.request({ ...GET, method: 'DELETE', mayLeave: () => may }));
    may = false;
    assert.equal(await withheld, 'NotSent');
    assert.equal(wire.requests, 0);
  });

  test('is asked anew before the second attempt after a 401', async (t) => {
    const { wire, client } = await secured(t);
    let may = true;
    const withheld = codeOf(client.request({ ...GET, method: 'DELETE', mayLeave: () => may }));
    const asked = await wire.next();
    may = false;
    asked.status(401, 'Unauthorized');
    assert.equal(await withheld, 'NotSent');
    assert.equal(wire.requests, 1);
  });
});
