import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../agent/api/reasons.ts';
import { EventSink, type Regarding } from '../../agent/report/events.ts';
import { Schedule } from '../../agent/schedule.ts';
import { FakeClock } from '../fake-clock.ts';

interface Body {
  metadata: { namespace: string; name: string };
  regarding: Regarding;
  type: string;
  reason: string;
  note: string;
  eventTime: string;
  reportingInstance: string;
}

const RESOURCE: Regarding = {
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  namespace: 'team-a',
  name: 'db',
};

function begin(pod = 'pod-1') {
  const posted: Body[] = [];
  const open: PromiseWithResolvers<void>[] = [];
  const post = (_namespace: string, body: unknown): Promise<void> => {
    posted.push(body as Body);
    open.push(Promise.withResolvers());
    return open.at(-1)!.promise;
  };
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const events = new EventSink({ post, schedule: new Schedule({ clock }), clock, node: 'node-1', pod });
  return { events, posted, open, clock };
}

test('an Event tells of a failure with its code, its message and its hint', () => {
  const { events, posted } = begin();
  events.failed(
    RESOURCE,
    new Failure('NotGranted', 'spec.data[0].ref: nothing there', { context: { secret: 'app' } }),
  );
  const { regarding, type, reason, note, eventTime, reportingInstance, metadata } = posted[0]!;
  assert.deepEqual([regarding, type, reason], [RESOURCE, 'Warning', 'NotGranted']);
  assert.match(note, /^spec\.data\[0\]\.ref: nothing there\. .*safe -w raw:app/);
  assert.equal(eventTime, '2026-01-01T00:00:00.000000Z');
  assert.equal(reportingInstance, 'pod-1');
  assert.equal(metadata.namespace, 'team-a');
  assert.match(metadata.name, /^db\.[0-9a-f]+$/);
});

test('without a pod the node reports', () => {
  const { events, posted } = begin('');
  events.publish(RESOURCE, 'Normal', 'Synced', 'done');
  assert.equal(posted[0]!.reportingInstance, 'node-1');
});

test('Events of one moment have different names, also for the longest name of a resource', () => {
  const { events, posted, open } = begin();
  const long = { ...RESOURCE, name: 'n'.repeat(253) };
  events.publish(long, 'Normal', 'Synced', 'done');
  events.publish(long, 'Normal', 'Synced', 'done');
  open[0]!.resolve();
  const names = posted.map(({ metadata }) => metadata.name);
  assert.equal(new Set(names).size, 2);
  for (const name of names) assert.ok(name.length <= 253);
});

for (const at of [199, 198])
  test(`an Event's name is one, wherever the resource's is cut: at a dash, character ${at}`, () => {
    const { events, posted } = begin();
    const name = `${'a'.repeat(at)}--b`;
    events.publish({ ...RESOURCE, name }, 'Normal', 'Synced', 'done');
    assert.match(
      posted[0]!.metadata.name,
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    );
  });

for (const [kind, letter] of [
  ['ASCII', 'n'],
  ['two bytes', 'ä'],
  ['three bytes', '€'],
  ['a surrogate pair', '😀'],
] as const)
  test(`a note is cut to the 1,024 bytes that the API server takes: ${kind}`, () => {
    for (let length = 1_000; length < 1_040; length++) {
      const { events, posted } = begin();
      const whole = letter.repeat(length);
      events.publish(RESOURCE, 'Normal', 'Synced', whole);
      const { note } = posted[0]!;
      assert.ok(Buffer.byteLength(note) <= 1_024, `${Buffer.byteLength(note)}`);
      if (Buffer.byteLength(whole) <= 1_024) assert.equal(note, whole);
      else assert.match(note, new RegExp(`^(${letter})+…$`, 'u'));
    }
  });

test('two are under way at a time; what fails is not tried again; the excess is dropped', async () => {
  const { events, posted, open, clock } = begin();
  for (let index = 0; index < 1_500; index++) events.publish(RESOURCE, 'Normal', 'Synced', `${index}`);
  assert.equal(posted.length, 2);
  for (let index = 0; index < open.length; index++) {
    if (index % 2 === 0) open[index]!.resolve();
    else open[index]!.reject(new Error('no'));
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(50);
  }
  assert.equal(posted.length, 1_002);
  assert.equal(new Set(posted.map(({ note }) => note)).size, 1_002);
});

test('fifty Events leave at once and twenty a second from then on; after a calm all fifty again', async () => {
  const { events, posted, open, clock } = begin();
  const settle = async (): Promise<void> => {
    for (let answered = -1; answered !== open.length;) {
      answered = open.length;
      open.forEach(({ resolve }) => resolve());
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (let i = 0; i < 100; i++) events.publish(RESOURCE, 'Normal', 'Synced', `${i}`);
  await settle();
  assert.equal(posted.length, 51);
  for (let second = 1; second <= 2; second++) {
    for (let step = 0; step < 20; step++) {
      await clock.advance(50);
      await settle();
    }
    assert.equal(posted.length, 51 + 20 * second);
  }
  await clock.advance(10_000);
  await settle();
  assert.equal(posted.length, 100);
  await clock.advance(10_000);
  for (let i = 0; i < 60; i++) events.publish(RESOURCE, 'Normal', 'Synced', `${i}`);
  await settle();
  assert.equal(posted.length, 151);
});
