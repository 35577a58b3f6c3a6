import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mountedKubeconfig, ownCluster } from '../test/devcluster/own-cluster.ts';
import { OwnControlPlane } from '../test/devcluster/own-control-plane.ts';
import { startProcess } from '../test/stage/agents.ts';
import { awaitObject, secretPath } from '../test/stage/await-object.ts';
import type { LogLine } from '../test/stage/log-lines.ts';
import { Relay } from '../test/stage/relay.ts';
import { valuesOf, vss } from '../test/stage/scene.ts';
import { Stage } from '../test/stage/stage.ts';
import { writtenSlice } from '../test/stage/written-slice.ts';
import { plot } from './soak/plot.ts';

// `node --import tsx scripts/soak.ts MINUTES`: five agents on a real API server whose connections are cut, frozen and
// said goodbye to, whose process stands still and restarts, whose etcd is restored and whose keys are replaced, with a
// Safe and a SPIRE that go away and come back. Writes docs/soak/*.svg, and tells what each agent holds in the end and
// what the logs say.

const MINUTES = Number(process.argv[2] ?? 60);
const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
const NAMESPACES = ['shop', 'bank', 'post', 'dock', 'farm'];
const NAMES = Array.from({ length: 20 }, (_, i) => `db-${i}`);
const MONITOR = fileURLToPath(new URL('soak/resources.mjs', import.meta.url));
const DOCS = fileURLToPath(new URL('../docs/soak', import.meta.url));

const plane = await OwnControlPlane.start({ flags: ['--goaway-chance=0.02'] });
const front = await Relay.start(...plane.ports);
const cluster = ownCluster(plane, `https://127.0.0.1:${front.port}`);
const stage = await Stage.start({ cluster });
const { safe } = stage;
let version = 0;
const rotate = () =>
  safe.register({ name: 'raw:db', value: JSON.stringify({ p: String(++version) }), namespaces: NAMESPACES });
const want = (names: readonly string[]) => async (): Promise<void> => {
  for (const namespace of NAMESPACES)
    for (const name of names)
      await cluster.apply(
        vss(name, { refreshInterval: '20s', data: [{ key: 'p', ref: 'db.p' }] }),
        namespace,
      );
};

await safe.register({ name: 'raw:vsecm-agent-placeholder', value: 'x', namespaces: ['vsecm-agent'] });
await rotate();
for (const namespace of NAMESPACES) await stage.namespace(namespace);
await cluster.apply(writtenSlice(NODES));
await want(NAMES)();
const { kubeconfig, mount } = await mountedKubeconfig(cluster, plane.folder, {
  namespace: 'vsecm-agent',
  name: 'vsecm-agent',
});
await plane.backup();
const agents = await Promise.all(
  NODES.map(async (node) =>
    startProcess({
      ...(await stage.join(node, { VSECM_AGENT_SERVICE: 'vsecm-agent', KUBECONFIG: kubeconfig })),
      NODE_OPTIONS: `--expose-gc --import=${MONITOR}`,
    }),
  ),
);
const say = (text: string): void =>
  console.log(`[${((performance.now() - from) / 60_000).toFixed(1)} min] ${text}`);
const from = performance.now();
const allRight = async (): Promise<void> => {
  for (const namespace of NAMESPACES)
    for (const name of NAMES)
      await awaitObject(
        plane.admin,
        secretPath(namespace, name),
        (secret) => valuesOf(secret)['p'] === String(version),
        180_000,
      );
};
await allRight();

const spires = await Promise.all(NODES.map((node) => stage.spire(node)));
const TROUBLES: [string, () => Promise<unknown>][] = [
  ['connections are cut', async () => (await front.cut(), await sleep(3_000), front.mend())],
  ['connections freeze for 15 s', async () => (front.freeze(), await sleep(15_000), front.thaw())],
  [
    'the API server stands still for 12 s',
    async () => (plane.signalApi(0, 'SIGSTOP'), await sleep(12_000), plane.signalApi(0, 'SIGCONT')),
  ],
  ['Safe is away for 15 s', async () => (await safe.stop(), await sleep(15_000), safe.start())],
  ['SPIRE restarts', () => Promise.all(spires.map((spire) => spire.restart()))],
  ['the API server restarts', async () => (await plane.stopApi(0), plane.startApi(0))],
  ['100 resources come', want(NAMES.map((name) => `${name}-more`))],
  ['etcd is restored, so they went', () => plane.restore()],
  [
    'keys are replaced',
    async () => (await plane.stopApi(0), await plane.replaceKeys(), await plane.startApi(0), mount()),
  ],
];
const end = from + MINUTES * 60_000;
for (let turn = 0; performance.now() < end; turn++) {
  const [what, run] = TROUBLES[turn % TROUBLES.length]!;
  say(what);
  await run();
  await rotate();
  await sleep(12_000);
}
await rotate();
const calm = performance.now();
await allRight();
say(`all Secrets are right ${Math.round((performance.now() - calm) / 1000)} s after the last trouble`);
await sleep(60_000);

const heldBy = (lines: readonly LogLine[]) => lines.filter(({ msg }) => msg === 'held');
const count = (line: LogLine, kinds: RegExp): number =>
  Object.entries(line['held'] as Record<string, number>).reduce(
    (sum, [kind, n]) => (kinds.test(kind) ? sum + n : sum),
    0,
  );
const MEASURES: [string, (line: LogLine) => number][] = [
  ['RSS MiB', (line) => Math.round(Number(line['rss']) / 2 ** 20)],
  ['heap MiB', (line) => Math.round(Number(line['heapUsed']) / 2 ** 20)],
  ['sockets', (line) => count(line, /TCPSocket|TLS|Pipe/)],
  ['timers', (line) => count(line, /^Timeout$/)],
];
await mkdir(DOCS, { recursive: true });
for (const [what, value] of MEASURES) {
  const series = agents.map(({ log, env }) => ({
    name: env['NODE_NAME'] ?? '',
    values: heldBy(log.lines).map(value),
  }));
  await writeFile(join(DOCS, `${what.replace(' ', '-').toLowerCase()}.svg`), plot(what, MINUTES, series));
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
  console.log(
    what.padEnd(10),
    series.map(({ values }) => `${median(values.slice(6, 12))} → ${median(values.slice(-6))}`).join('   '),
  );
}
const told = new Map<string, number>();
let bytes = 0;
for (const { log } of agents)
  for (const line of log.lines.filter(({ msg }) => msg !== 'held')) {
    bytes += JSON.stringify(line).length;
    const key = [
      line.level,
      line.msg,
      line['resource'] ?? line['code'] ?? '',
      line['cause'] ?? line['status'] ?? '',
    ].join(' | ');
    told.set(key, (told.get(key) ?? 0) + 1);
  }
console.log(`\n${Math.round(bytes / 1024)} KiB of log from five agents`);
for (const [key, times] of [...told].toSorted(([, a], [, b]) => b - a))
  console.log(String(times).padStart(6), key);
console.log('exit codes', await Promise.all(agents.map((agent) => agent.stop())));
await front.close();
await stage.close();
process.exit(0);
