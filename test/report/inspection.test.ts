import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import type { ResourceName } from '../../agent/api/state.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import { createMetrics } from '../../agent/metrics.ts';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import type { Facts } from '../../agent/decide/facts.ts';
import type { Fetcher } from '../../agent/fetch/fetcher.ts';
import { setGauges } from '../../agent/report/gauges.ts';
import { inspect } from '../../agent/report/inspection.ts';
import type { Subject } from '../../agent/report/subject.ts';
import { FakeClock } from '../fake-clock.ts';
import { stored } from '../resolve/stored-secret.ts';

const clock = new FakeClock();
const at = (ms: number): string => new Date(ms).toISOString();

/** A Safe that answered a minute ago. */
function fetcherOf(secrets: readonly StoredSecret[], more: Partial<Fetcher> = {}): Fetcher {
  const answer = { kind: 'named', secrets: new Map(secrets.map((secret) => [secret.name, secret])) } as const;
  const fetched = { answer, begunAt: clock.now() - 60_000, endedAt: clock.now() - 60_000, bytes: 1 };
  return {
    url: 'https://safe.example',
    dial: 'https://safe.example/workload/v1/secrets',
    confirmedAt: fetched.begunAt,
    last: { secrets: secrets.length, named: true },
    answer: () => fetched,
    pollsAt: () => undefined,
    ...more,
  } as Fetcher;
}

interface Change extends Partial<Facts['told']> {
  wrote?: undefined;
}

/** A resource whose Secret was written, where nothing else is said. */
const subject = (key: string, fetcher: Fetcher, spec: object, change: Change = {}): Subject => {
  const name = key.split('/')[1] ?? '';
  const { failure, status = { observedGeneration: 1 } } = change;
  const facts = {
    generation: 1,
    wrote: 'wrote' in change ? undefined : { name },
    told: { status, failure, notGranted: [] },
  } as unknown as Facts;
  return { key, facts, plan: { generation: 1, spec: parseSpec({ metadata: { name }, spec }), fetcher } };
};

const look = (subjects: readonly Subject[], safes: readonly Fetcher[], one?: ResourceName) =>
  inspect(
    {
      subjects: new Map(subjects.map((one) => [one.key, one])),
      fetchers: { all: () => safes },
      groups: {
        dueAt: () => clock.now() + 1_000,
        sizes: () => [
          { dial: safes[0]!.dial, intervalMs: 10_000, members: subjects.length, dueAt: clock.now() + 1_000 },
          { dial: 'https://elsewhere', intervalMs: 10_000, members: 1, dueAt: undefined },
        ],
      },
      retries: { dueAt: () => undefined },
      clock,
    },
    one,
  );

const db = stored('db', '{"password":"s3cr3t","none":null,"list":["s3cr3t"]}', { namespaces: ['shop'] });
const spec = { data: [{ key: 'p', ref: 'db.password' }] };

test('a resource says how it stands, its failure before all, and when it is looked at next', async () => {
  const safe = fetcherOf([db]);
  const context = { namespace: 'shop', name: 'bad', secret: 'db' };
  const failure = new Failure('RefNotFound', 'nothing there', { context });
  const since = '2026-01-01T00:00:00Z';
  const told = { stage: 'connect', code: 'SafeTimeout', message: 'm', hint: 'h', since } as const;
  const suspended = {
    type: 'Ready',
    status: 'True',
    reason: 'Suspended',
    message: '',
    lastTransitionTime: '',
  } as const;
  const { resources, safes, counts } = await look(
    [
      subject('shop/fine', safe, spec, { status: { lastSyncTime: since } }),
      subject('shop/bad', safe, spec, {
        failure,
        status: { failure: { ...told, code: 'RefNotFound', stage: 'resolve' } },
      }),
      subject('shop/told', safe, spec, { status: { failure: told } }),
      subject('shop/new', safe, spec, { wrote: undefined }),
      subject('shop/rests', safe, spec, {
        wrote: undefined,
        status: { conditions: [suspended] },
      }),
    ],
    [safe],
  );
  assert.deepEqual(
    resources.map(({ name, state, code, since, lastWrite }) => [name, state, code, since, lastWrite]),
    [
      ['bad', 'failing', 'RefNotFound', since, undefined],
      ['told', 'failing', 'SafeTimeout', since, undefined],
      ['new', 'waiting', undefined, undefined, undefined],
      ['rests', 'suspended', undefined, undefined, undefined],
      ['fine', 'synced', undefined, undefined, since],
    ],
  );
  assert.match(resources[0]?.hint ?? '', /raw:db -n shop/);
  assert.deepEqual(counts, { failing: 2, waiting: 1, suspended: 1, synced: 1 });
  assert.equal(resources[4]?.nextLook, at(clock.now() + 1_000));
  assert.deepEqual(safes, [
    {
      url: 'https://safe.example',
      lastSuccess: at(clock.now() - 60_000),
      answerAgeSeconds: 60,
      secrets: 1,
      named: true,
      groups: [{ intervalSeconds: 10, members: 5, nextDue: at(clock.now() + 1_000) }],
    },
  ]);
});

test('a Safe that fails says since when, how often and when it is asked next', async () => {
  const failure = {
    code: 'SafeTimeout',
    cause: 'TIMEOUT',
    since: 0,
    attemptedAt: 0,
    nextRetryAt: 5_000,
    attempts: 3,
    peerSpiffeId: undefined,
    context: {},
  } as const;
  const gone = fetcherOf([], { answer: () => undefined, failure, confirmedAt: undefined, last: undefined });
  const error = new Failure('SafeTimeout', 'late');
  const { resources, safes } = await look(
    [
      subject('shop/new', gone, spec, { wrote: undefined, failure: error }),
      subject('shop/old', gone, spec),
      subject('shop/waits', gone, spec, { wrote: undefined }),
    ],
    [gone],
  );
  assert.equal(resources[0]?.nextLook, at(5_000));
  const { hint = '', ...rest } = safes[0]?.failure ?? {};
  assert.match(hint, /VSECM_AGENT_SAFE_TIMEOUT/);
  assert.deepEqual(rest, {
    code: 'SafeTimeout',
    cause: 'TIMEOUT',
    since: at(0),
    attempts: 3,
    nextRetry: at(5_000),
  });
});

test('gauges count what there is, and forget what there no longer is', async () => {
  const metrics = createMetrics();
  const safe = fetcherOf([db], { failure: { code: 'SafeTimeout', since: 2_000 } as Fetcher['failure'] });
  const stale = {
    type: 'Fresh',
    status: 'False',
    reason: 'Stale',
    message: '',
    lastTransitionTime: '',
  } as const;
  const subjects = [
    subject('shop/a', safe, spec),
    subject('shop/b', safe, spec, {
      failure: new Failure('RefNotFound', ''),
      status: { conditions: [stale] },
    }),
    subject('shop/c', safe, spec, { failure: new Failure('RefNotFound', '') }),
  ];
  const sizes = (intervalMs: number) => ({ dial: '', intervalMs, members: 2, dueAt: undefined });
  const groups = { sizes: () => [10_000, 60_000, 61_000, 3_600_000, 86_400_001].map(sizes) };
  setGauges({
    subjects: new Map(subjects.map((one) => [one.key, one])),
    fetchers: { all: () => [safe] },
    groups,
    clock,
    metrics,
  });
  const lines = async () =>
    (await metrics.registry.metrics())
      .split('\n')
      .filter((line) =>
        /^vsecm_agent_(resources|failing|stale|refresh|safe_(failing|last|secrets|answer_age))/.test(line),
      );
  assert.deepEqual(await lines(), [
    'vsecm_agent_safe_answer_age_seconds{url="https://safe.example"} 60',
    'vsecm_agent_safe_secrets{url="https://safe.example"} 1',
    `vsecm_agent_safe_last_success_timestamp_seconds{url="https://safe.example"} ${(clock.now() - 60_000) / 1000}`,
    'vsecm_agent_safe_failing_since_timestamp_seconds{url="https://safe.example",stage="connect",code="SafeTimeout"} 2',
    'vsecm_agent_resources{state="synced"} 1',
    'vsecm_agent_resources{state="failing"} 2',
    'vsecm_agent_resources{state="waiting"} 0',
    'vsecm_agent_resources{state="suspended"} 0',
    'vsecm_agent_failing_resources{stage="resolve",code="RefNotFound"} 2',
    'vsecm_agent_stale_resources 1',
    'vsecm_agent_refresh_group_resources{interval="1m"} 4',
    'vsecm_agent_refresh_group_resources{interval="10m"} 2',
    'vsecm_agent_refresh_group_resources{interval="1h"} 2',
    'vsecm_agent_refresh_group_resources{interval="longer"} 2',
  ]);
  setGauges({
    subjects: new Map(),
    fetchers: { all: () => [] },
    groups: { sizes: () => [] },
    clock,
    metrics,
  });
  assert.deepEqual(
    (await lines()).filter((line) => !line.includes('state=')),
    ['vsecm_agent_stale_resources 0'],
  );
});

test('of many resources those in trouble are told, as many as there is room for, and of one the refs that fail', async () => {
  const safe = fetcherOf([]);
  const refs = [{ where: 'spec.data[0].ref', ref: 'db.x', code: 'RefNotFound' }] as const;
  const failure = new Failure('RefNotFound', 'x'.repeat(2_000), { refs });
  const subjects = Array.from({ length: 10_000 }, (_, index) =>
    subject(`ns${index % 50}/r${index}`, safe, spec, index % 10 === 9 ? { failure } : {}),
  );
  const { resources, counts } = await look(subjects, [safe]);
  assert.deepEqual(counts, { failing: 1_000, waiting: 0, suspended: 0, synced: 9_000 });
  assert.ok(resources.length > 200 && resources.length < 300, `${resources.length}`);
  assert.ok(resources.every(({ state, refs }) => state === 'failing' && refs.length === 0));
  assert.equal((await look(subjects.slice(0, 9), [safe])).resources.length, 9);
  const one = await look(subjects, [safe], { namespace: 'ns9', name: 'r9' });
  assert.deepEqual([one.resources.length, one.resources[0]?.refs, one.counts], [1, refs, undefined]);
  assert.deepEqual((await look(subjects, [safe], { namespace: 'ns9', name: 'else' })).resources, []);
});
