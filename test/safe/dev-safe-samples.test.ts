import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DevSafe } from '../devcluster/safe.ts';
import type { Registration } from '../devcluster/safe/store.ts';
import { sample, SCOUT } from './harness.ts';

interface Recorded {
  name: string;
  value: string;
  meta: { namespaces: string[]; template: string; Format: string };
  updated: string;
  notBefore: string;
  expiresAfter: string;
}

/** The elements of an answer as they came over the wire, sorted, with what differs each time masked. */
function masked(body: string, defaulted: ReadonlySet<string>): string[] {
  const head = '{"data":"[';
  const tail = ']","created":"","updated":""}';
  assert.ok(body.startsWith(head) && body.endsWith(tail));
  const elements = body.slice(head.length, -tail.length).split(/,(?=\{\\"name\\":)/);
  return elements.map((element) => maskElement(element, defaulted)).sort();
}

function maskElement(element: string, defaulted: ReadonlySet<string>): string {
  const mask = (text: string, field: string): string =>
    text.replace(new RegExp(`(\\\\"${field}\\\\":)\\\\"[^"]+\\\\"(?=[,}])`), '$1*');
  const always = ['correlationId', 'created', 'updated'].reduce(mask, element);
  const name = /^\{\\"name\\":\\"(.*?)\\",\\"value\\"/s.exec(element)?.[1] ?? '';
  return defaulted.has(name) ? mask(always, 'notBefore') : always;
}

/** How a stored secret was registered, as far as the answer tells. */
function registrationOf({ name, value, meta, updated, notBefore, expiresAfter }: Recorded): Registration {
  return {
    name,
    value,
    namespaces: meta.namespaces.join() === 'default' ? [] : meta.namespaces,
    template: meta.template,
    format: meta.Format,
    notBefore: Date.parse(notBefore) > Date.parse(updated) ? notBefore : 'now',
    expires: expiresAfter.startsWith('9999') ? 'never' : expiresAfter,
  };
}

for (const name of ['many-raw-secrets', 'edge-cases', 'update-without-namespaces', 'values-and-names']) {
  test(`what ${name} shows is answered byte for byte when it is registered, ids and times aside`, async (t) => {
    const safe = await DevSafe.start();
    t.after(() => safe.close());
    const recorded = (await sample(name)).toString();
    const secrets = JSON.parse(JSON.parse(recorded).data) as Recorded[];
    for (const secret of secrets) await safe.register(registrationOf(secret));
    const { status, headers, body } = await safe.as(SCOUT).read();
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain');
    const defaulted = new Set(
      secrets
        .filter((one) => registrationOf(one).notBefore === 'now')
        .map((one) => JSON.stringify(JSON.stringify(one.name)).slice(3, -3)),
    );
    assert.deepEqual(masked(body, defaulted), masked(recorded, defaulted));
  });
}

const singles: Record<string, Omit<Registration, 'name'>> = {
  'one-raw-secret': {
    value:
      '{"cocaCola":{"data":{"username":"root","password":"s3cr3t"},"labels":{"app":"db"},"annotations":{"env":"prod"}}}',
  },
  'one-raw-expired-not-granted': {
    value: '{"db":{"password":"p"}}',
    namespaces: ['team-x'],
    expires: '2020-01-01T00:00:00Z',
  },
  'one-raw-null': { value: 'null' },
  'one-raw-whitespace': { value: '   \n' },
};
for (const [name, registration] of Object.entries(singles)) {
  test(`${name} is answered byte for byte`, async (t) => {
    const safe = await DevSafe.start();
    t.after(() => safe.close());
    await safe.register({ name: 'raw:one', ...registration });
    assert.equal((await safe.as(SCOUT).read()).body, (await sample(name)).toString());
  });
}

test('one-raw-array-shaped is answered byte for byte', async (t) => {
  const safe = await DevSafe.start();
  t.after(() => safe.close());
  const recorded = (await sample('one-raw-array-shaped')).toString();
  await safe.register({ name: 'raw:one', value: JSON.parse(recorded).data });
  assert.equal((await safe.as(SCOUT).read()).body, recorded);
});

test('one-workload-secret is answered to its workload, times aside', async (t) => {
  const safe = await DevSafe.start();
  t.after(() => safe.close());
  await safe.register({ name: 'app', value: '{"u":"1"}', template: '{"USER":"{{.u}}"}', format: 'yaml' });
  const mask = (body: string): string => body.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '*');
  const { body } = await safe.as('spiffe://vsecm.com/workload/app/ns/a/sa/b/n/c').read();
  assert.equal(mask(body), mask((await sample('one-workload-secret')).toString()));
});

test('poisoned-answer is answered byte for byte until the secret with the bad date is deleted', async (t) => {
  const safe = await DevSafe.start();
  t.after(() => safe.close());
  const scout = safe.as(SCOUT);
  for (const name of ['raw:one', 'raw:two']) await safe.register({ name, value: 'v' });
  await safe.register({ name: 'raw:poison', value: 'v', notBefore: '2026-01-01T00:00:00+24:00' });
  assert.equal((await scout.read()).body, (await sample('poisoned-answer')).toString());
  await safe.sentinel.delete('raw:poison');
  assert.equal((await scout.read()).body.match(/\\"name\\"/g)?.length, 2);
});
