import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { clusterKind } from '../test/cluster.ts';
import { controlPlaneAssets } from '../test/devcluster/control-plane-assets.ts';
import { measure, PARTS, type Part } from './bench/bench.ts';
import { worsened } from './bench/compare.ts';
import { freshBundle } from './bench/fresh-bundle.ts';
import { FULL, QUICK } from './bench/plan.ts';
import { describe, handoverTables, surroundings, table, toJson } from './bench/report.ts';

// `npm run bench` measures the bundled agent, on the real kube-apiserver where its binaries are there (or
// can be built), else on the development cluster; VSECM_TEST_CLUSTER=dev|real decides it.

/** What `--compare` compares with. */
const COMMITTED = new URL('../docs/benchmark.json', import.meta.url);

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: PARTS.join() },
    bundle: { type: 'string' },
    compare: { type: 'boolean', default: false },
  },
});
const parts = values.only.split(',').map((name) => {
  const part = PARTS.find((part) => part === name);
  if (part === undefined) throw new Error(`--only: "${name}", wanted: ${PARTS.join(', ')}`);
  return part;
});

const kind = await clusterOf(parts);
const from = surroundings(kind, values.quick);
console.log(describe(from));
const bundle = values.bundle ?? (await freshBundle());
const begun = performance.now();
const { figures, handover } = await measure(
  values.quick ? QUICK : FULL,
  { kind, bundle },
  new Set(parts),
  (doing) => process.stderr.write(`${Math.round((performance.now() - begun) / 1000)} s: ${doing}\n`),
);
console.log(`\n${table(figures)}`);
if (handover !== undefined) console.log(`\n${handoverTables(handover)}`);
const json = toJson(figures, from);
if (values.json !== undefined) await writeFile(values.json, json);
if (values.compare) {
  const committed = JSON.parse(await readFile(COMMITTED, 'utf8'));
  if (committed.from.quick !== values.quick)
    console.log(`The committed figures are ${committed.from.quick ? '' : 'not '}of --quick`);
  const worse = worsened(committed, JSON.parse(json));
  for (const sentence of worse) console.log(`Worse: ${sentence}`);
  process.exitCode = worse.length > 0 ? 1 : 0;
}

async function clusterOf(wanted: readonly Part[]): Promise<'dev' | 'real'> {
  if (process.env['VSECM_TEST_CLUSTER'] !== undefined) return clusterKind();
  if (wanted.every((part) => part === 'bundle' || part === 'handover')) return 'dev';
  const assets = await controlPlaneAssets();
  if (!('missing' in assets)) return 'real';
  console.log(`Not on the real kube-apiserver: ${assets.missing}`);
  return 'dev';
}
