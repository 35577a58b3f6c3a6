import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { measure, PARTS, type Part } from '../../scripts/bench/bench.ts';
import { worsened } from '../../scripts/bench/compare.ts';
import { FIGURES, median } from '../../scripts/bench/figure.ts';
import { MetricsPage } from '../../scripts/bench/metrics-page.ts';
import { QUICK, type Plan } from '../../scripts/bench/plan.ts';
import {
  describe as describeRun,
  handoverTables,
  surroundings,
  table,
  toJson,
} from '../../scripts/bench/report.ts';
import { bundle } from '../../scripts/build.ts';

/** As little as shows that each part runs; no figure of it means anything. */
const TINY: Plan = {
  sync: { repetitions: 2, resources: 6, namespaces: 2 },
  scale: {
    ...QUICK.scale,
    resources: 10,
    secrets: 5,
    secretBytes: 200,
    namespaces: 5,
    refreshes: 1,
    settledAfter: 0,
    idleMs: 100,
  },
  other: { repetitions: 1, idleMs: 100 },
  start: { repetitions: 2 },
  rotate: { repetitions: 1 },
  handover: { repetitions: 1, nodes: 40, namespaces: 400, departures: 2 },
};

describe('the benchmark', { timeout: 110_000, concurrency: true }, () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vsecm-bench-'));
    ({ file } = await bundle(join(folder, 'dist')));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const run = (...parts: Part[]) => measure(TINY, { kind: 'dev', bundle: file }, new Set(parts), () => {});

  it('measures each part on the bundle, with a value for each repetition', async () => {
    const { figures, handover } = await run('bundle', 'handover', 'start', 'rotate', 'sync');
    assert.deepEqual(
      Object.keys(figures).sort(),
      Object.keys(FIGURES)
        .filter((key) => !/^(noop|memory|idle)/.test(key))
        .sort(),
    );
    assert.equal(figures['start.readyMs']?.length, 2);
    assert.equal(figures['sync.ratio']?.length, 2);
    for (const value of Object.values(figures).flat()) assert.ok(value > 0 && Number.isFinite(value));
    assert.match(handoverTables(handover!), /^\| +5000 \| +16 \|/m);
    assert.equal(handoverTables(handover!).match(/^\| ip-/gm)?.length, 2);
  });

  it('counts the requests of a refresh that changes nothing, and tells no size that it did not reach', async () => {
    const { figures } = await run('noop', 'memory', 'idle');
    assert.deepEqual(figures['noop.kubeRequests'], [0]);
    assert.deepEqual(figures['noop.safeRequests'], [1]);
    assert.equal(figures['noop.loopDelayP99Ms']?.length, 1);
    assert.ok(figures['memory.idleMiB']![0]! >= 20);
    assert.ok(figures['memory.otherMiB']![0]! >= 20);
    assert.ok(figures['idle.cpuMsPerHour']![0]! >= 0);
    assert.equal(figures['memory.with1000MiB'], undefined);
  });
});

describe("the benchmark's report", () => {
  const figures = { 'start.readyMs': [120.4, 100, 140], 'noop.kubeRequests': [0, 0] };

  it('has a row per figure with median, least, most and number', () => {
    const rows = table(figures).split('\n');
    assert.equal(rows.length, 4);
    assert.match(rows[2]!, /^\| noop\.kubeRequests +\| +0 \| +0 \| +0 \| +2 \|/);
    assert.match(rows[3]!, /^\| start\.readyMs +\| +120 \| +100 \| +140 \| +3 \| ms/);
  });

  it('gives the medians in the JSON by the names of the figures, and says where they come from', () => {
    const json = JSON.parse(toJson(figures, surroundings('dev', true)));
    assert.equal(json['start.readyMs'], 120.4);
    assert.equal(json['noop.kubeRequests'], 0);
    assert.equal(json['sync.ratio'], undefined);
    assert.equal(json.from.quick, true);
    assert.match(json.from.cluster, /development/);
  });

  it('says on what it ran', () => {
    assert.match(describeRun(surroundings('real', false)), /^On: kube-apiserver/);
    assert.match(describeRun({ ...surroundings('dev', false), load: 1e3 }), /busy/);
  });

  it('takes the middle, or the mean of the two in the middle', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });

  it('adds up the series of a metric by their labels', () => {
    const page = new MetricsPage('# HELP a b\na{x="1"} 2\na{x="2"} 3\na_total 7\nb 4\n');
    assert.equal(page.sum('a'), 5);
    assert.equal(
      page.sum('a', (labels) => labels.includes('x="2"')),
      3,
    );
    assert.equal(page.sum('b'), 4);
  });

  it('knows every part by name', () => {
    const of = new Set(Object.keys(FIGURES).map((key) => key.split('.')[0]));
    assert.deepEqual([...of].sort(), [...PARTS].sort());
  });
});

it('figures are compared where they carry over to other machines, times are not judged', () => {
  const was = { 'sync.ratio': 0.8, 'bundle.kib': 900, 'noop.kubeRequests': 0, 'start.readyMs': 100 };
  assert.deepEqual(worsened(was, { ...was, 'sync.ratio': 0.7, 'start.readyMs': 900 }), []);
  assert.deepEqual(worsened(was, { 'sync.ratio': 0.6, 'bundle.kib': 990, 'noop.kubeRequests': 1 }), [
    'sync.ratio: 0.6, was 0.8; 0.68 would do',
    'noop.kubeRequests: 1, was 0; 0 would do',
    'bundle.kib: 990, was 900; 945 would do',
  ]);
  assert.deepEqual(worsened({}, was), []);
});
