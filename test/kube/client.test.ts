import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { KubeClient } from '../../agent/kube/client.ts';
import { KubeError } from '../../agent/kube/error.ts';
import { createMetrics } from '../../agent/metrics.ts';
import { Ca } from '../devcluster/pki.ts';
import { FakeClock } from '../fake-clock.ts';
import { stuckPort } from '../stuck-port.ts';
import { folder, until, Wire, writeConfig } from './wire.ts';

const PATH = '/api/v1/namespaces/a/secrets/b';
const GET = { method: 'GET', path: PATH } as const;

async function plain(t: TestContext, user: object = {}) {
  const wire = await Wire.start(t);
  const metrics = createMetrics();
  const clock = new FakeClock();
  const dir = await folder(t);
  const kubeconfig = await writeConfig(dir, { server: `http://127.0.0.1:${wire.port}` }, user);
  const client = await KubeClient.load({ kubeconfig, metrics, clock });
  t.after(() => client.close());
  return { wire, client, clock, metrics, dir };
}

/** The error of a promise that must fail with a KubeError that holds nothing of the input. */
async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof KubeError, inspect(error));
  assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /s3cr3t/);
  return error;
}

suite('requests', () => {
  test('a request carries token, body and query, and gives back what the server answers', async (t) => {
    const { wire, client, metrics } = await plain(t, { token: 'tok' });
    const answer = client.request({
      method: 'POST',
      path: PATH,
      query: { dryRun: 'All', left: undefined },
      body: { ä: 1 },
    });
    const asked = await wire.next();
    assert.equal(asked.header('authorization'), 'Bearer tok');
    assert.equal(asked.query.toString(), 'dryRun=All');
    assert.equal(asked.path, PATH);
    assert.deepEqual(await asked.body(), { ä: 1 });
    asked.answer(201, { ok: true });
    assert.deepEqual(await answer, { ok: true });
    assert.match(await metrics.registry.metrics(), /kube_requests_total\{method="POST",status="201"\} 1/);
  });

  test('an empty body is no object', async (t) => {
    const { wire, client } = await plain(t);
    const answer = client.request(GET);
    (await wire.next()).answer(200, '');
    assert.equal(await answer, undefined);
  });

  test('server-side apply says who applies, by force or not, and tells created from changed', async (t) => {
    const { wire, client } = await plain(t);
    const first = client.apply(PATH, { data: {} }, { fieldManager: 'm', force: false, metadataOnly: true });
    let asked = await wire.next();
    assert.equal(asked.request.method, 'PATCH');
    assert.equal(asked.query.toString(), 'fieldManager=m&force=false&timeout=9000ms');
    assert.equal(asked.header('content-type'), 'application/apply-patch+yaml');
    assert.match(asked.header('accept') ?? '', /as=PartialObjectMetadata;/);
    asked.answer(201, { metadata: {} });
    assert.deepEqual(await first, { created: true, object: { metadata: {} } });
    const second = client.apply(PATH, {}, { fieldManager: 'm', force: true, subresource: 'status' });
    asked = await wire.next();
    assert.equal(asked.path, `${PATH}/status`);
    assert.equal(asked.query.get('force'), 'true');
    asked.answer(200, {});
    assert.equal((await second).created, false);
    const third = client.apply(PATH, {}, { fieldManager: 'm', force: true, timeoutMs: 1_000 });
    asked = await wire.next();
    assert.equal(asked.query.get('timeout'), null, 'there is no time to spare');
    asked.answer(200, {});
    await third;
  });
});

suite('failures', () => {
  test('of a refusal stay status, reason, causes and fields, and never a message', async (t) => {
    const { wire, client } = await plain(t);
    const failed = failure(client.request(GET));
    const causes = [
      { reason: 'FieldValueInvalid', message: 'Invalid value: "s3cr3t"', field: 'metadata.labels' },
      { reason: 'not an identifier: s3cr3t', message: 's3cr3t' },
    ];
    (await wire.next()).status(422, 'Invalid', { details: { name: 'b', causes } });
    const error = await failed;
    assert.equal(error.status, 422);
    assert.equal(error.reason, 'Invalid');
    assert.deepEqual(error.causes, [
      { reason: 'FieldValueInvalid', field: 'metadata.labels' },
      { reason: '', field: '' },
    ]);
    assert.ok(error.hasCause('FieldValueInvalid'));
    assert.equal(error.message, 'Kubernetes API: status 422, Invalid');
  });

  test('Retry-After is read from the header, else from the Status', async (t) => {
    const { wire, client } = await plain(t);
    const first = failure(client.request(GET));
    (await wire.next()).status(
      429,
      'TooManyRequests',
      { details: { retryAfterSeconds: 9 } },
      { 'retry-after': '2' },
    );
    assert.equal((await first).retryAfterMs, 2000);
    const second = failure(client.request(GET));
    (await wire.next()).status(504, 'Timeout', { details: { retryAfterSeconds: 1 } });
    assert.equal((await second).retryAfterMs, 1000);
  });

  test('what is no Status leaves the HTTP status', async (t) => {
    const { wire, client } = await plain(t);
    for (const body of [
      '<html>s3cr3t',
      '',
      '"s3cr3t"',
      'null',
      '{"reason":7,"details":{"causes":"s3cr3t"}}',
    ]) {
      const failed = failure(client.request(GET));
      (await wire.next()).answer(502, body);
      const error = await failed;
      assert.deepEqual([error.status, error.reason, error.causes], [502, '', []]);
    }
  });

  test('a body that is not JSON is malformed, and not quoted', async (t) => {
    const { wire, client } = await plain(t);
    const failed = failure(client.request(GET));
    (await wire.next()).answer(200, 's3cr3t');
    assert.equal((await failed).code, 'Malformed');
  });

  test('no answer in time is a timeout, from the start to the last byte', async (t) => {
    const { wire, client, clock, metrics } = await plain(t);
    for (const partial of [false, true]) {
      const failed = failure(client.request(GET));
      const asked = await wire.next();
      if (partial) asked.raw('{');
      await clock.advance(29_999);
      assert.deepEqual(clock.pending, [1]);
      await clock.advance(1);
      assert.equal((await failed).code, 'Timeout');
      await asked.whenClosed();
      assert.deepEqual(clock.pending, []);
    }
    assert.match(await metrics.registry.metrics(), /kube_requests_total\{method="GET",status="0"\} 1/);
  });

  test('a request that is abandoned says so', async (t) => {
    const { wire, client } = await plain(t);
    const stop = new AbortController();
    const failed = failure(client.request({ ...GET, signal: stop.signal }));
    const asked = await wire.next();
    stop.abort();
    assert.equal((await failed).code, 'Aborted');
    await asked.whenClosed();
    assert.equal((await failure(client.request({ ...GET, signal: stop.signal }))).code, 'Aborted');
  });

  test('a request that is over leaves nothing on the signal, which may live as long as the agent', async (t) => {
    const { wire, client, clock } = await plain(t);
    const { signal } = new AbortController();
    const answer = client.request({ ...GET, signal });
    (await wire.next()).answer(200, {});
    await answer;
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
    assert.deepEqual(clock.pending, []);
  });

  test('a connection that breaks has the code of the system', async (t) => {
    const { wire, client } = await plain(t);
    for (const partial of [false, true]) {
      const failed = failure(client.request(GET));
      const asked = await wire.next();
      if (partial) asked.raw('{"a":');
      asked.reset();
      assert.match((await failed).code ?? '', /^(ECONNRESET|UND_ERR_SOCKET)$/);
    }
    await wire.stop();
    assert.equal((await failure(client.request(GET))).code, 'ECONNREFUSED');
  });
});

suite('credentials', () => {
  test('a 401 makes the token be read again, once', async (t) => {
    const dir = await folder(t);
    const wire = await Wire.start(t);
    await writeFile(join(dir, 'token'), 'old\n');
    const kubeconfig = await writeConfig(
      dir,
      { server: `http://127.0.0.1:${wire.port}` },
      { tokenFile: 'token' },
    );
    const client = await KubeClient.load({ kubeconfig, metrics: createMetrics() });
    t.after(() => client.close());
    await writeFile(join(dir, 'token'), 'new\n');
    const answer = client.request(GET);
    let asked = await wire.next();
    assert.equal(asked.header('authorization'), 'Bearer old');
    asked.status(401, 'Unauthorized');
    asked = await wire.next();
    assert.equal(asked.header('authorization'), 'Bearer new');
    asked.answer(200, {});
    await answer;
    const refused = failure(client.request(GET));
    for (let i = 0; i < 2; i++) (await wire.next()).status(401, 'Unauthorized');
    assert.equal((await refused).status, 401);
    assert.equal(wire.requests, 4);
  });

  test('the token is read again after a minute, and kept while its file cannot be read', async (t) => {
    const dir = await folder(t);
    const wire = await Wire.start(t);
    const clock = new FakeClock();
    const token = join(dir, 'token');
    await writeFile(token, 'first');
    const kubeconfig = await writeConfig(
      dir,
      { server: `http://127.0.0.1:${wire.port}` },
      { tokenFile: token },
    );
    const client = await KubeClient.load({ kubeconfig, metrics: createMetrics(), clock });
    t.after(() => client.close());
    const presented = async (): Promise<string | undefined> => {
      const answer = client.request(GET);
      const asked = await wire.next();
      asked.answer(200, {});
      await answer;
      return asked.header('authorization');
    };
    await writeFile(token, 'second');
    assert.equal(await presented(), 'Bearer first');
    clock.jump(60_000);
    assert.equal(await presented(), 'Bearer second');
    await writeFile(token, 'third');
    clock.jump(60_000);
    assert.equal(await presented(), 'Bearer third');
    await rm(token);
    clock.jump(60_000);
    assert.equal(await presented(), 'Bearer third');
  });
});

suite('connections', () => {
  const LOCAL = { sans: [{ type: 'ip', value: '127.0.0.1' }] } as const;

  async function secure(t: TestContext, ca: Ca) {
    const { chainPem, keyPem } = await ca.issue({ sans: [...LOCAL.sans] });
    return Wire.start(t, { cert: chainPem, key: keyPem });
  }

  async function load(t: TestContext, wire: Wire, caPem: string) {
    const dir = await folder(t);
    const clock = new FakeClock();
    await writeFile(join(dir, 'ca.crt'), caPem);
    const cluster = { server: `https://127.0.0.1:${wire.port}`, 'certificate-authority': 'ca.crt' };
    const kubeconfig = await writeConfig(dir, cluster, { token: 't' });
    const client = await KubeClient.load({ kubeconfig, metrics: createMetrics(), clock });
    t.after(() => client.close());
    return { client, clock, caFile: join(dir, 'ca.crt') };
  }

  test('requests share one HTTP/2 connection, watches another', async (t) => {
    const ca = await Ca.create('test');
    const wire = await secure(t, ca);
    const { client } = await load(t, wire, ca.certPem);
    const answers = Array.from({ length: 16 }, () => client.request(GET));
    for (let i = 0; i < 16; i++) {
      const asked = await wire.next();
      assert.equal(asked.request.httpVersion, '2.0');
      asked.answer(200, {});
    }
    await Promise.all(answers);
    assert.equal(wire.connections, 1);
    const stop = new AbortController();
    const streams = Array.from({ length: 3 }, () =>
      client.stream(PATH, { watch: true }, { signal: stop.signal, silenceMs: 1e6 }),
    );
    const ends = streams.map((stream) => failure(stream.next()));
    for (let i = 0; i < 3; i++) (await wire.next()).events();
    assert.equal(wire.connections, 2);
    stop.abort();
    assert.deepEqual(
      (await Promise.all(ends)).map(({ code }) => code),
      ['Aborted', 'Aborted', 'Aborted'],
    );
  });

  test('each address of the server has the time that the request has, and the next one is tried beside it', async (t) => {
    const stuck = await stuckPort(t, { host: '127.9.9.9' });
    const ca = await Ca.create('test');
    const { chainPem, keyPem } = await ca.issue({ sans: [{ type: 'dns', value: 'api.example' }] });
    const wire = await Wire.start(t, { cert: chainPem, key: keyPem }, stuck.port);
    const dir = await folder(t);
    await writeFile(join(dir, 'ca.crt'), ca.certPem);
    // As people write names that are not to be searched for; in TLS the dot is no part of it.
    const cluster = { server: `https://api.example.:${stuck.port}`, 'certificate-authority': 'ca.crt' };
    const client = await KubeClient.load({
      kubeconfig: await writeConfig(dir, cluster, { token: 't' }),
      metrics: createMetrics(),
      names: { addresses: async () => ['127.9.9.9', '127.0.0.1'] },
    });
    t.after(() => client.close());
    const answer = client.request(GET);
    (await wire.next()).answer(200, { ok: true });
    assert.deepEqual(await answer, { ok: true });
  });

  test('a name that hangs is given up with the client', async (t) => {
    let given: AbortSignal | undefined;
    const client = await KubeClient.load({
      kubeconfig: await writeConfig(await folder(t), { server: 'https://api.example' }),
      metrics: createMetrics(),
      names: {
        addresses: (_host, signal) => {
          given = signal;
          return new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('x'))),
          );
        },
      },
    });
    const failed = failure(client.request(GET));
    await until(() => given !== undefined);
    await client.close();
    assert.equal((await failed).status, 0);
    assert.equal(given?.aborted, true);
  });

  test('a server that is not of the CA is asked nothing', async (t) => {
    const wire = await secure(t, await Ca.create('other'));
    const { client } = await load(t, wire, (await Ca.create('test')).certPem);
    const error = await failure(client.request(GET));
    assert.equal(error.status, 0);
    assert.match(
      error.code ?? '',
      /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    );
    assert.equal(wire.requests, 0);
  });

  test('when the CA file changes after the server could not be verified, the next connection trusts the new one', async (t) => {
    const [first, second] = [await Ca.create('test'), await Ca.create('test')];
    const wire = await secure(t, second);
    const { client, clock, caFile } = await load(t, wire, first.certPem);
    assert.equal((await failure(client.request(GET))).status, 0);
    await writeFile(caFile, first.certPem + second.certPem);
    clock.jump(1); // far less than the minute after which files are read anyway
    const answer = client.request(GET);
    (await wire.next()).answer(200, {});
    await answer;
  });

  test('after a timeout the next request gets a new connection, and what runs on the old one may finish', async (t) => {
    const ca = await Ca.create('test');
    const wire = await secure(t, ca);
    const { client, clock } = await load(t, wire, ca.certPem);
    const slow = client.request({ ...GET, timeoutMs: 1e6 });
    const slowAsked = await wire.next();
    const hung = failure(client.request(GET));
    await wire.next();
    await clock.advance(30_000);
    assert.equal((await hung).code, 'Timeout');
    const answer = client.request(GET);
    (await wire.next()).answer(200, {});
    await answer;
    assert.equal(wire.connections, 2);
    slowAsked.answer(200, { slow: true });
    assert.deepEqual(await slow, { slow: true });
  });

  test('over HTTP/1.1 the number of connections is bounded', async (t) => {
    const { wire, client } = await plain(t);
    const answers = Array.from({ length: 50 }, () => client.request(GET));
    await until(() => wire.waiting === 32);
    for (let i = 0; i < 50; i++) (await wire.next()).answer(200, {});
    await Promise.all(answers);
    assert.equal(wire.connections, 32);
  });

  test('close ends what is under way', async (t) => {
    const { wire, client } = await plain(t);
    const failed = failure(client.request(GET));
    const stream = client.stream(PATH, {}, { signal: new AbortController().signal, silenceMs: 1e6 });
    const ended = failure(stream.next());
    await wire.next();
    await wire.next();
    await client.close();
    assert.equal((await failed).status, 0);
    assert.equal((await ended).status, 0);
  });
});
