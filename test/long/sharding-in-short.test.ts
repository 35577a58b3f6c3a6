import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import type { RequestRecord } from '../devcluster/request-record.ts';
import { hangShowsMs } from '../stage/kubelet.ts';
import { FLOOR_MS, INTERVAL_MS, latest, SLACK_MS, Trial } from '../stage/trial.ts';

const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
const [FIRST = '', ...OTHERS] = NODES;
const NAMESPACES = Array.from({ length: 20 }, (_, i) => `preview-pr-${1000 + i}`);
/** Shorter than the product's 30 s, and longer than a restart on a busy machine. */
const HANDOFF_DELAY_MS = 8_000;
const PROBE = { periodMs: 1_000, timeoutMs: 1_000, failures: 2 };
/** As late as a resource may be while nothing is wrong: its Safe may have been asked a moment ago. */
const IN_TIME_MS = FLOOR_MS + SLACK_MS;
const WRITES: readonly string[] = ['create', 'update', 'patch', 'delete'];

/** Without what the agent on `node` owns. */
const without = (all: readonly string[], keys: readonly string[]): string[] =>
  all.filter((key) => !keys.includes(key));

const assets = await controlPlaneAssets();
const skip = 'folder' in assets && assets.controllers ? false : 'without kube-controller-manager';

// In order: each test goes on from the fleet that the one before left.
describe('a fleet on real EndpointSlices', { skip, timeout: 400_000 }, () => {
  let trial: Trial;
  before(async () => {
    trial = await Trial.start({ handoffDelayMs: HANDOFF_DELAY_MS, probe: PROBE, namespaces: NAMESPACES });
  });
  after(() => trial?.close());
  afterEach(() => {
    assert.deepEqual(trial.observer.findings, [], 'no Secret is ever absent, torn, or set back');
    // Of the agents: their tokens are bound to pods.
    const refused = trial.stage.cluster.controls.requests.filter(
      ({ client, status }) => client.includes('/') && (status === 401 || status === 403),
    );
    assert.deepEqual(refused, [], 'the shipped RBAC allows all that the agents ask for');
  });

  const keysOf = (node: string): string[] => trial.ownedBy(node, NODES);
  const all = (): string[] => NAMESPACES.map((namespace) => `${namespace}/rising`);
  const logged = (node: string, message: string): number =>
    trial.fleet.agent(node).log.lines.filter(({ msg }) => msg === message).length;

  test('grows from one agent to five in time, and then each namespace has exactly one owner', async () => {
    await trial.fleet.up(FIRST);
    await trial.declare();
    await trial.settled([FIRST]);
    const lateness = await trial.during(async () => {
      await Promise.all(OTHERS.map((node) => trial.fleet.up(node)));
      await trial.settled(NODES);
    });
    assert.ok(latest(lateness) <= IN_TIME_MS, `late by ${latest(lateness)} ms`);

    const { controls } = trial.stage.cluster;
    const from = controls.requests.length;
    await trial.observer.caughtUp(await trial.rising.raise(), INTERVAL_MS + IN_TIME_MS);
    const writes = controls.requests
      .slice(from)
      .filter(({ verb, resource }) => verb === 'patch' && resource === 'secrets');
    for (const node of NODES) {
      const keys = keysOf(node);
      assert.ok(keys.length > 0, `${node} owns something`);
      const written = writes.filter(({ client }) => client === trial.fleet.client(node));
      assert.deepEqual(written.map(({ namespace }) => `${namespace}/rising`).toSorted(), keys.toSorted());
      assert.equal(await trial.fleet.metric(node, 'members'), NODES.length);
      assert.equal(await trial.fleet.metric(node, 'owned_namespaces'), keys.length);
    }
    assert.equal(writes.length, NAMESPACES.length);
  });

  test('writes nothing at all while nothing changes, and holds three watches for each owner', async () => {
    const { controls } = trial.stage.cluster;
    // The pace of statuses: one for a resource in 5 s.
    await sleep(6_000);
    const from = controls.requests.length;
    const asked = (node: string): number =>
      trial.stage.safe.reads.filter(({ spiffeId }) =>
        spiffeId.endsWith(`/${trial.fleet.kubelet(node).pod?.name ?? ''}`),
      ).length;
    const before = new Map(NODES.map((node) => [node, asked(node)]));
    const reads = trial.stage.safe.reads.length;
    for (let more = 1; NODES.some((node) => asked(node) === before.get(node)); more++)
      await trial.stage.safe.whenRead(reads + more);
    await sleep(SLACK_MS);
    const requests = controls.requests.slice(from);
    assert.deepEqual(
      requests.filter(({ verb }) => WRITES.includes(verb)),
      [],
    );
    assert.deepEqual(
      requests.filter(({ verb }) => verb !== 'watch'),
      [],
      'not even a read',
    );
    for (const node of NODES) {
      const open = controls.openWatches({ client: trial.fleet.client(node) });
      assert.deepEqual(open.map(({ resource }) => resource).toSorted(), [
        'endpointslices',
        'secrets',
        'vsecmsecrets',
      ]);
    }
    assert.equal(controls.openWatches().length, 3 * NODES.length);
  });

  test('takes over from an agent that is killed and does not come back in time, and gives back to it', async () => {
    const node = 'node-2';
    const keys = keysOf(node);
    const rest = NODES.filter((other) => other !== node);
    const lateness = await trial.during(async () => {
      trial.fleet.agent(node).kill('SIGKILL');
      await trial.settled(rest);
      await trial.fleet.kubelet(node).restartContainer();
      await trial.settled(NODES);
    });
    // The kubelet sees the end of a process by itself.
    const bound = HANDOFF_DELAY_MS + IN_TIME_MS;
    assert.ok(latest(lateness, keys) <= bound, `late by ${latest(lateness, keys)} ms`);
    assert.ok(latest(lateness, without(all(), keys)) <= IN_TIME_MS, 'nobody else notices');
  });

  test('takes over from an agent that hangs, and what it had under way changes nothing when it wakes', async () => {
    const node = 'node-1';
    const keys = keysOf(node);
    const [namespace = ''] = keys[0]?.split('/') ?? [];
    const { controls } = trial.stage.cluster;
    const itsWrite = {
      client: trial.fleet.client(node),
      resource: 'secrets',
      verb: 'patch',
      namespace,
    } as const;
    const rest = NODES.filter((other) => other !== node);
    let late: RequestRecord | undefined;
    const lateness = await trial.during(async () => {
      const stopped = Promise.withResolvers<void>();
      const overtaken = Promise.withResolvers<void>();
      controls.before(itsWrite, async () => {
        trial.fleet.agent(node).kill('SIGSTOP');
        stopped.resolve();
        await overtaken.promise;
      });
      const answered = controls.next(itsWrite);
      await stopped.promise;
      const value = trial.rising.now;
      await trial.settled(rest);
      await trial.observer.reached(`${namespace}/rising`, value + 1, 60_000);
      // Its request arrives after another agent's, and then it wakes.
      overtaken.resolve();
      late = await answered;
      trial.fleet.agent(node).kill('SIGCONT');
      await trial.settled(NODES);
    });
    assert.equal(late?.status, 409);
    assert.equal(
      logged(node, 'The process stood still; nothing is owned until the members are read again'),
      1,
    );
    const bound = hangShowsMs(PROBE) + HANDOFF_DELAY_MS + IN_TIME_MS;
    assert.ok(latest(lateness, keys) <= bound, `late by ${latest(lateness, keys)} ms`);
    assert.ok(latest(lateness, without(all(), keys)) <= IN_TIME_MS, 'nobody else notices');
  });

  test('a rolling restart of all agents moves no namespace', async () => {
    const { moves } = trial.observer;
    const before = moves.length;
    let longest = 0;
    const lateness = await trial.during(async () => {
      for (const node of NODES) {
        const from = Date.now();
        await trial.fleet.rollOut([node]);
        longest = Math.max(longest, Date.now() - from);
      }
    });
    assert.ok(longest < HANDOFF_DELAY_MS, `a restart took ${longest} ms`);
    assert.deepEqual(moves.slice(before), []);
    for (const node of NODES) {
      assert.equal(logged(node, 'Namespaces lost'), 0);
      assert.equal(await trial.fleet.metric(node, 'handovers_total'), 0);
    }
    assert.ok(
      latest(lateness) <= longest + IN_TIME_MS,
      `late by ${latest(lateness)} ms, a restart took ${longest} ms`,
    );
  });

  test('an agent cut off from the API server, and one cut off from Safe, keep what is theirs and recover', async () => {
    const [cutOff, withoutSafe] = ['node-2', 'node-4'] as const;
    const { fleet, observer, stage } = trial;
    const before = observer.moves.length;
    const log = fleet.agent(withoutSafe).log;
    let cutMs = 0;
    const lateness = await trial.during(async () => {
      const from = Date.now();
      const lines = log.lines.length;
      const undo = stage.cluster.controls.cut({ client: fleet.client(cutOff) });
      await fleet.safe(withoutSafe).cut();
      await log.when(({ msg }) => msg === 'Fetching from Safe fails', lines);
      await sleep(2_000);
      await fleet.safe(withoutSafe).mend();
      undo();
      cutMs = Date.now() - from;
      await log.when(({ msg }) => msg === 'Safe answers again', lines);
    });
    assert.deepEqual(observer.moves.slice(before), [], 'both stayed ready, so nothing moved');
    // What failed to be written is tried again when it is next due, if not before.
    const writeBound = cutMs + INTERVAL_MS + IN_TIME_MS;
    assert.ok(
      latest(lateness, keysOf(cutOff)) <= writeBound,
      `late by ${latest(lateness, keysOf(cutOff))} ms`,
    );
    // A failing Safe is asked again after up to 5, 10, then 20 s.
    const readBound = cutMs + 20_000 + IN_TIME_MS;
    assert.ok(
      latest(lateness, keysOf(withoutSafe)) <= readBound,
      `late by ${latest(lateness, keysOf(withoutSafe))} ms`,
    );
    const theirs = [...keysOf(cutOff), ...keysOf(withoutSafe)];
    assert.ok(latest(lateness, without(all(), theirs)) <= IN_TIME_MS, 'nobody else notices');
    await trial.settled(NODES);
  });

  test('shrinks from five to one in time, and loses no write that is under way', async () => {
    const node = OTHERS[0] ?? '';
    const { controls } = trial.stage.cluster;
    const itsWrite = { client: trial.fleet.client(node), resource: 'secrets', verb: 'patch' } as const;
    let write: RequestRecord | undefined;
    let codes: number[] = [];
    const lateness = await trial.during(async () => {
      const reached = Promise.withResolvers<void>();
      controls.before(itsWrite, async (request) => {
        write = request;
        reached.resolve();
        await trial.fleet.agent(node).log.when(({ msg }) => msg === 'Stopping');
        await sleep(500);
      });
      await reached.promise;
      codes = await Promise.all(OTHERS.map((one) => trial.fleet.down(one)));
      await trial.settled([FIRST]);
    });
    assert.equal(write?.status, 200, 'the agent waits for the answer');
    assert.deepEqual(codes, [0, 0, 0, 0]);
    const bound = HANDOFF_DELAY_MS + IN_TIME_MS;
    assert.ok(latest(lateness) <= bound, `late by ${latest(lateness)} ms`);
    assert.equal(await trial.fleet.metric(FIRST, 'members'), 1);
  });
});
