import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Failure, hintFor } from '../../agent/api/reasons.ts';
import { parseResource } from '../../agent/api/resource.ts';
import { parseSecretMeta } from '../../agent/api/secret-meta.ts';
import { SpecRoom } from '../../agent/api/spec-room.ts';
import { filled } from '../api/spec-cases.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of heap that stay for each of what `make` gives. */
function costOf(count: number, make: (index: number) => unknown): number {
  const kept: unknown[] = Array.from({ length: count }, () => undefined);
  for (let index = 0; index < 10; index++) make(index);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < count; index++) kept[index] = make(index);
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  assert.equal(kept.length, count);
  return bytes;
}

/** As it comes over the wire: texts of its own, shared with nothing. */
const wire = (object: object): unknown => JSON.parse(JSON.stringify(object)) as unknown;
const metadata = (index: number, more: object = {}): object => ({
  namespace: `team-${index % 50}`,
  name: `database-credentials-${index}`,
  uid: `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`,
  resourceVersion: `${1_000_000 + index}`,
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});
const resource = (
  room: SpecRoom,
  index: number,
  spec: object,
  more?: object,
  told: object = status(index),
): unknown => parseResource(wire({ metadata: metadata(index, more), spec, status: told }), room);
const status = (index: number): object => ({
  observedGeneration: 1,
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Synced',
      message: 'the Secret is as declared',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    },
  ],
  secret: { name: `database-credentials-${index}`, resourceVersion: `${2_000_000 + index}` },
  lastSyncTime: '2026-01-01T00:00:00Z',
  sourceUpdated: '2026-01-01T00:00:00Z',
  node: `node-${index % 7}`,
});
const ordinary = {
  refreshInterval: '1h',
  secretType: 'k8s',
  target: {},
  data: ['username', 'password'].map((key) => ({ key, ref: `databaseCredentials.cocaCola.data.${key}` })),
};
const fields = Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`f:key-${index}`, {}]));
const secret = (index: number): unknown =>
  parseSecretMeta(
    wire({
      metadata: metadata(index, {
        labels: { 'vsecm.com/managed': 'true', 'app.kubernetes.io/managed-by': 'vsecm-agent' },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(100_000) },
        managedFields: [
          {
            manager: 'vsecm-agent',
            operation: 'Apply',
            time: '2026-01-01T00:00:00Z',
            fieldsV1: { 'f:data': fields },
          },
        ],
        ownerReferences: [{ apiVersion: 'vsecm.com/v1alpha1', kind: 'VSecMSecret', uid: `${index}` }],
      }),
    }),
    0,
  );

const LARGEST = filled(32_768);
const MEASURED: Readonly<Record<string, () => number>> = {
  'a VSecMSecret of two keys': () => {
    const room = new SpecRoom();
    return costOf(4_000, (index) => resource(room, index, ordinary));
  },
  'one of the largest size, with 250 KB of annotation': () => {
    const room = new SpecRoom();
    const annotations = { 'vsecm.com/refresh': 'r'.repeat(250_000) };
    return costOf(100, (index) => resource(room, index, LARGEST, { annotations }));
  },
  'one that fails, with the longest message': () => {
    const room = new SpecRoom();
    const secret = `\u00e9${'x'.repeat(300)}`;
    const { message, code, stage } = new Failure('NotGranted', `${secret}${'x'.repeat(2_000)}`);
    const hint = hintFor(code, {
      secret: secret.slice(0, 150),
      namespace: 'n'.repeat(63),
      name: 'n'.repeat(253),
    });
    const condition = { type: 'Ready', status: 'False', reason: code, message, lastTransitionTime: '' };
    const told = {
      ...status(0),
      conditions: [condition],
      failure: { stage, code, message, hint, since: '' },
    };
    return costOf(2_000, (index) => resource(room, index, ordinary, {}, told));
  },
  '50,000 of the largest size, in 50 namespaces': () => {
    const room = new SpecRoom();
    return 50_000 * costOf(50_000, (index) => resource(room, index, LARGEST));
  },
  'a Secret of 256 keys, with 100 KB of annotation': () => costOf(4_000, secret),
};

const page = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## What an object costs'));
const stated = new Map(
  [...section.matchAll(/^\| (.+?) \| ([0-9,.]+) KiB \|/gm)].map(([, what, kib]) => [
    what!,
    Number(kib!.replaceAll(',', '')) * 1024,
  ]),
);

for (const [what, measure] of Object.entries(MEASURED)) {
  test(`${what} costs what ARCHITECTURE.md says`, (t) => {
    const bytes = measure();
    t.diagnostic(`${(bytes / 1024).toFixed(2)} KiB`);
    const most = stated.get(what);
    assert.ok(most !== undefined, 'is in the table');
    assert.ok(bytes <= most, `${bytes} bytes`);
    assert.ok(bytes >= most / 3, `the table says too much: ${bytes} bytes`);
  });
}
