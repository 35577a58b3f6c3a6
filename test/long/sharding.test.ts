import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, describe, test, type TestContext } from 'node:test';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { awaitObject, failsWith, vssPath } from '../stage/await-object.ts';
import { hangShowsMs, shippedDaemonSet } from '../stage/kubelet.ts';
import { FLOOR_MS, INTERVAL_MS, latest, SLACK_MS, Trial, type Lateness } from '../stage/trial.ts';

const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
const [FIRST = '', ...OTHERS] = NODES;
const NAMESPACES = Array.from({ length: 20 }, (_, i) => `preview-pr-${1000 + i}`);
/** The product's own. */
const HANDOFF_DELAY_MS = 30_000;
/** The node monitor's grace period, as Kubernetes ships it. */
const NODE_MONITOR_MS = 50_000;
/** As late as a resource may be while nothing is wrong: its Safe may have been asked a moment ago. */
const IN_TIME_MS = FLOOR_MS + SLACK_MS;
const MINUTE_MS = 60_000;

const assets = await controlPlaneAssets();
const skip = 'folder' in assets && assets.controllers ? false : 'without kube-controller-manager';

// In order: each test goes on from the fleet that the one before left.
describe('a fleet on real EndpointSlices, at the pace of a cluster', { skip, timeout: 1_100_000 }, () => {
  let trial: Trial;
  let hangShows: number;
  before(async () => {
    const { probe } = await shippedDaemonSet();
    hangShows = hangShowsMs(probe);
    trial = await Trial.start({ handoffDelayMs: HANDOFF_DELAY_MS, probe, namespaces: NAMESPACES });
  });
  after(() => trial?.close());
  afterEach(() => {
    assert.deepEqual(trial.observer.findings, [], 'no Secret is ever absent, torn, or set back');
  });

  const all = NAMESPACES.map((namespace) => `${namespace}/rising`);
  const rest = (node: string): string[] => NODES.filter((other) => other !== node);

  /** The victim's resources are late by `boundMs` at most, all others by nothing that they would not be anyway. */
  function judge(context: TestContext, lateness: Lateness, victim: string, boundMs: number): void {
    const keys = trial.ownedBy(victim, NODES);
    const late = latest(lateness, keys);
    const others = latest(
      lateness,
      all.filter((key) => !keys.includes(key)),
    );
    context.diagnostic(`late by ${late} ms of ${boundMs}; the others by ${others} ms of ${IN_TIME_MS}`);
    assert.ok(keys.length > 0, `${victim} owns something`);
    assert.ok(late <= boundMs, `late by ${late} ms`);
    assert.ok(others <= IN_TIME_MS, `the others, which nothing happened to, are late by ${others} ms`);
  }

  test('grows from one agent to five in time', { timeout: 3 * MINUTE_MS }, async (context) => {
    await trial.fleet.up(FIRST);
    await trial.declare();
    await trial.settled([FIRST]);
    const lateness = await trial.during(async () => {
      await Promise.all(OTHERS.map((node) => trial.fleet.up(node)));
      await trial.settled(NODES);
    });
    context.diagnostic(`late by ${latest(lateness)} ms of ${IN_TIME_MS}`);
    assert.ok(latest(lateness) <= IN_TIME_MS);
  });

  test(
    'SIGKILL: the others take over after the delay, and the agent gets back what was its own',
    { timeout: 3 * MINUTE_MS },
    async (context) => {
      const node = 'node-2';
      const lateness = await trial.during(async () => {
        trial.fleet.agent(node).kill('SIGKILL');
        await trial.settled(rest(node), 2 * MINUTE_MS);
        await trial.fleet.kubelet(node).restartContainer();
        await trial.settled(NODES);
      });
      judge(context, lateness, node, HANDOFF_DELAY_MS + IN_TIME_MS);
    },
  );

  test(
    'SIGKILL: an agent that is back within the delay keeps its namespaces',
    { timeout: 2 * MINUTE_MS },
    async (context) => {
      const node = 'node-3';
      const before = trial.observer.moves.length;
      let restartMs = 0;
      const lateness = await trial.during(async () => {
        const from = Date.now();
        const kubelet = trial.fleet.kubelet(node);
        kubelet.agent.kill('SIGKILL');
        await kubelet.whenReady(false);
        await kubelet.restartContainer();
        await kubelet.whenReady();
        restartMs = Date.now() - from;
        await sleep(HANDOFF_DELAY_MS);
      });
      assert.deepEqual(trial.observer.moves.slice(before), []);
      judge(context, lateness, node, restartMs + IN_TIME_MS);
    },
  );

  test(
    'SIGSTOP, continued a minute later: the others take over, and the former owner sets nothing back',
    { timeout: 4 * MINUTE_MS },
    async (context) => {
      const node = 'node-1';
      const lateness = await trial.during(async () => {
        const from = Date.now();
        trial.fleet.agent(node).kill('SIGSTOP');
        await trial.settled(rest(node), 2 * MINUTE_MS);
        await sleep(Math.max(0, from + MINUTE_MS - Date.now()));
        trial.fleet.agent(node).kill('SIGCONT');
        await trial.settled(NODES);
      });
      judge(context, lateness, node, hangShows + HANDOFF_DELAY_MS + IN_TIME_MS);
    },
  );

  test(
    'dead node: the others take over after the node monitor and the delay',
    { timeout: 4 * MINUTE_MS },
    async (context) => {
      const node = 'node-5';
      const lateness = await trial.during(async () => {
        await trial.fleet.kubelet(node).die(NODE_MONITOR_MS);
        await trial.settled(rest(node), 2 * MINUTE_MS);
        await trial.fleet.kubelet(node).restartContainer();
        await trial.settled(NODES);
      });
      judge(context, lateness, node, NODE_MONITOR_MS + HANDOFF_DELAY_MS + IN_TIME_MS);
    },
  );

  test(
    'a node whose network breaks: as a dead one, and its agent, which still runs, sets nothing back',
    { timeout: 5 * MINUTE_MS },
    async (context) => {
      const node = 'node-4';
      const { fleet, stage } = trial;
      const lateness = await trial.during(async () => {
        const undo = stage.cluster.controls.cut({ client: fleet.client(node) });
        await fleet.safe(node).cut();
        await fleet.kubelet(node).lose(NODE_MONITOR_MS);
        await trial.settled(rest(node), 2 * MINUTE_MS);
        await fleet.safe(node).mend();
        undo();
        fleet.kubelet(node).find();
        await trial.settled(NODES, 2 * MINUTE_MS);
        // What it asked for in vain for so long it must now have.
        await sleep(3 * INTERVAL_MS);
      });
      // Its watches were tried again less and less often, up to 30 s: so long it does not know that it is owner again.
      const blindMs = 30_000;
      judge(context, lateness, node, NODE_MONITOR_MS + HANDOFF_DELAY_MS + blindMs + IN_TIME_MS);
    },
  );

  test(
    'cut off from Safe alone: the statuses say so after a minute, and nothing moves',
    { timeout: 5 * MINUTE_MS },
    async (context) => {
      const node = 'node-2';
      const { fleet, observer, stage } = trial;
      const [key = ''] = trial.ownedBy(node, NODES);
      const [namespace = '', name = ''] = key.split('/');
      const before = observer.moves.length;
      let cutMs = 0;
      const lateness = await trial.during(async () => {
        const from = Date.now();
        const lines = fleet.agent(node).log.lines.length;
        await fleet.safe(node).cut();
        await awaitObject(
          stage.cluster.admin,
          vssPath(namespace, name),
          failsWith('SafeUnreachable'),
          INTERVAL_MS + MINUTE_MS + 30_000,
        );
        await fleet.safe(node).mend();
        cutMs = Date.now() - from;
        // A new identity is a reason to ask at once.
        await (await stage.spire(node)).renew();
        await fleet.agent(node).log.when(({ msg }) => msg === 'Safe answers again', lines);
        await awaitObject(
          stage.cluster.admin,
          vssPath(namespace, name),
          (object) => object.status.failure === undefined,
          30_000,
        );
      });
      assert.equal((await stage.cluster.admin.ok('GET', vssPath(namespace, name))).status.node, node);
      assert.deepEqual(observer.moves.slice(before), []);
      judge(context, lateness, node, cutMs + IN_TIME_MS);
    },
  );

  test('rolling restart: no namespace moves', { timeout: 5 * MINUTE_MS }, async (context) => {
    const before = trial.observer.moves.length;
    let longest = 0;
    const lateness = await trial.during(async () => {
      for (const node of NODES) {
        const from = Date.now();
        await trial.fleet.rollOut([node]);
        longest = Math.max(longest, Date.now() - from);
      }
      await sleep(HANDOFF_DELAY_MS);
    });
    context.diagnostic(`late by ${latest(lateness)} ms, the longest restart took ${longest} ms`);
    assert.deepEqual(trial.observer.moves.slice(before), []);
    for (const node of NODES) assert.equal(await trial.fleet.metric(node, 'handovers_total'), 0);
    assert.ok(latest(lateness) <= longest + IN_TIME_MS);
  });

  test('drain: from five agents to one, late by the delay', { timeout: 3 * MINUTE_MS }, async (context) => {
    let codes: number[] = [];
    const lateness = await trial.during(async () => {
      codes = await Promise.all(OTHERS.map((node) => trial.fleet.down(node)));
      await trial.settled([FIRST], 2 * MINUTE_MS);
    });
    assert.deepEqual(codes, [0, 0, 0, 0]);
    context.diagnostic(`late by ${latest(lateness)} ms of ${HANDOFF_DELAY_MS + IN_TIME_MS}`);
    assert.ok(latest(lateness) <= HANDOFF_DELAY_MS + IN_TIME_MS);
  });
});
