import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { KubeClient } from '../../agent/kube/client.ts';
import type { WatchEvent } from '../../agent/kube/watch-event.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { Ca } from '../devcluster/pki.ts';
import { FakeClock } from '../fake-clock.ts';
import { folder, status, Wire, writeConfig } from './wire.ts';

const PATH = '/apis/vsecm.com/v1alpha1/vsecmsecrets';
const event = (type: string, name: string) => ({ type, object: { metadata: { name } } });

async function open(t: TestContext, tls = false) {
  const ca = await Ca.create('test');
  const { chainPem, keyPem } = await ca.issue({ sans: [{ type: 'ip', value: '127.0.0.1' }] });
  const wire = await Wire.start(t, tls ? { cert: chainPem, key: keyPem } : undefined);
  const clock = new FakeClock();
  const cluster = {
    server: `http${tls ? 's' : ''}://127.0.0.1:${wire.port}`,
    'certificate-authority-data': Buffer.from(ca.certPem).toString('base64'),
  };
  const kubeconfig = await writeConfig(await folder(t), cluster);
  const client = await KubeClient.load({ kubeconfig, metrics: createMetrics(), clock });
  t.after(() => client.close());
  const stop = new AbortController();
  let opened = 0;
  const watch = () =>
    client.stream(
      PATH,
      { watch: true },
      { signal: stop.signal, silenceMs: 100_000, onOpen: () => void (opened += 1) },
    );
  return { wire, clock, stop, watch, opened: () => opened };
}

const next = async (stream: AsyncGenerator<WatchEvent, void>): Promise<string | undefined> => {
  const { value } = await stream.next();
  return value ? `${value.type} ${value.object.metadata?.name}` : undefined;
};

suite('a watch', () => {
  test('gives events as they come, until the server ends it', async (t) => {
    const { wire, watch, opened } = await open(t);
    const stream = watch();
    const first = next(stream);
    const asked = await wire.next();
    assert.equal(asked.query.get('watch'), 'true');
    asked.events(event('ADDED', 'ä'));
    assert.equal(await first, 'ADDED ä');
    assert.equal(opened(), 1);
    const line = Buffer.from(`${JSON.stringify(event('MODIFIED', '𝄞'))}\n`);
    asked.raw(line.subarray(0, -10));
    asked.raw(
      Buffer.concat([
        line.subarray(-10),
        Buffer.from(JSON.stringify(event('BOOKMARK', 'b'))),
        Buffer.from('\n'),
      ]),
    );
    assert.equal(await next(stream), 'MODIFIED 𝄞');
    assert.equal(await next(stream), 'BOOKMARK b');
    asked.end();
    assert.equal(await next(stream), undefined);
  });

  test('is closed when the loop over it is left', async (t) => {
    const { wire, watch, clock } = await open(t);
    const stream = watch();
    const first = next(stream);
    const asked = await wire.next();
    asked.events(event('ADDED', 'a'));
    await first;
    await stream.return();
    await asked.whenClosed();
    assert.deepEqual(clock.pending, []);
  });

  test('throws an ERROR event as what it says', async (t) => {
    const { wire, watch } = await open(t);
    const first = next(watch());
    (await wire.next()).events({ type: 'ERROR', object: status(410, 'Expired') });
    await assert.rejects(first, { name: 'KubeError', status: 410, reason: 'Expired' });
  });

  for (const [what, bytes, code] of [
    ['a line that is cut off', '{"type":"ADDED","object":{"metadata":{"name":"s3cr3t', 'CutOff'],
    ['a line that is no JSON', 's3cr3t\n', 'Malformed'],
    ['a line that is no event', '{"type":"s3cr3t"}\n', 'Malformed'],
    ['a line that is null', 'null\n', 'Malformed'],
  ] as const) {
    test(`throws ${what}`, async (t) => {
      const { wire, watch } = await open(t);
      const first = next(watch());
      const asked = await wire.next();
      asked.raw(bytes);
      asked.end();
      await assert.rejects(first, {
        name: 'KubeError',
        code,
        message: `Kubernetes API: no answer, ${code}`,
      });
    });
  }

  test('that is refused throws what the server says', async (t) => {
    const { wire, watch, opened } = await open(t);
    const first = next(watch());
    (await wire.next()).status(403, 'Forbidden');
    await assert.rejects(first, { status: 403, reason: 'Forbidden' });
    assert.equal(opened(), 0);
  });

  test('that breaks throws the code of the system', async (t) => {
    const { wire, watch } = await open(t);
    const stream = watch();
    const first = next(stream);
    const asked = await wire.next();
    asked.events(event('ADDED', 'a'));
    await first;
    asked.reset();
    await assert.rejects(next(stream), { status: 0, code: /ECONNRESET|UND_ERR_SOCKET/ });
  });

  for (const tls of [false, true]) {
    test(`that goes silent is given up, and the next one gets another connection (${tls ? 'HTTP/2' : 'HTTP/1.1'})`, async (t) => {
      const { wire, watch, clock } = await open(t, tls);
      const stream = watch();
      const first = next(stream);
      const asked = await wire.next();
      asked.events(event('ADDED', 'a'));
      await first;
      const second = next(stream);
      await clock.advance(99_000);
      asked.events(event('BOOKMARK', 'b'));
      assert.equal(await second, 'BOOKMARK b');
      const third = assert.rejects(next(stream), { code: 'Silent' });
      await clock.advance(99_999);
      assert.deepEqual(clock.pending, [1]);
      await clock.advance(1);
      await third;
      const again = next(watch());
      (await wire.next()).events(event('ADDED', 'c'));
      assert.equal(await again, 'ADDED c');
      assert.equal(wire.connections, 2);
    });
  }

  test('whose headers do not come is given up sooner', async (t) => {
    const { wire, watch, clock } = await open(t);
    const first = assert.rejects(next(watch()), { code: 'Timeout' });
    await wire.next();
    await clock.advance(30_000);
    await first;
  });

  test('ends at once when it is no longer wanted', async (t) => {
    const { wire, watch, stop } = await open(t);
    const first = assert.rejects(next(watch()), { code: 'Aborted' });
    (await wire.next()).events();
    stop.abort();
    await first;
  });
});
