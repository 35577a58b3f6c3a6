import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOutside, stageOf, type Code, type Stage } from '../../agent/api/reasons.ts';
import { clusterKind } from '../cluster.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { startInProcess } from '../stage/agents.ts';
import { CONSENT, workload, workloadsPath } from '../real/workloads.ts';
import type { LogLine } from '../stage/log-lines.ts';
import { Scene, vss } from '../stage/scene.ts';
import { FAST, scoutId } from '../stage/stage.ts';
import { eventually, Witness } from '../stage/witness.ts';

const NAMESPACES = Array.from({ length: 10 }, (_, index) => `team-${index}`);
const POD = 'vsecm-agent-node-1';
const NAMED = 'https://named.example';
const BEGINS = /fails$/;
const ENDS = /recovered$|answers again$/;

/** Something that many resources have in common goes wrong, and is mended. */
interface Trouble {
  code: Code;
  cause: () => unknown;
  mend: () => unknown;
}

function troubles(scene: Scene): Record<Exclude<Stage, 'spec'>, Trouble> {
  const { safe, cluster } = scene.stage;
  const ask = () =>
    scene.patch('/apis/vsecm.com/v1alpha1/namespaces/team-0/vsecmsecrets/r0', {
      metadata: { annotations: { 'vsecm.com/refresh': `${performance.now()}` } },
    });
  const change = async (namespaces: string[], password: string): Promise<void> => {
    await scene.register('shared', JSON.stringify({ password }), namespaces);
    await ask();
  };
  const safeFails = (fault: faults.Fault): Omit<Trouble, 'code'> => ({
    cause: async () => {
      safe.fault = fault;
      await ask();
    },
    mend: () => (safe.fault = undefined),
  });
  const consent = async (value: string | null): Promise<void> => {
    for (const ns of NAMESPACES)
      await scene.patch(workloadsPath('deployments', ns, 'shop'), {
        metadata: { annotations: { [CONSENT]: value } },
      });
  };
  let allow = (): void => {};
  return {
    identity: {
      code: 'NoIdentity',
      cause: async () => {
        const lost = scene.agent.log.when(({ msg }) => msg === 'no X.509-SVID');
        (await scene.stage.spire('node-1')).remove(scoutId(POD));
        await lost;
        await ask();
      },
      mend: async () => (await scene.stage.spire('node-1')).register(scoutId(POD)),
    },
    connect: { code: 'SafeTimeout', ...safeFails(faults.hang()) },
    fetch: { code: 'SafeError', ...safeFails(faults.status(500)) },
    resolve: {
      code: 'NotGranted',
      cause: () => change(['somebody-else'], 'first'),
      mend: () => change(NAMESPACES, 'first'),
    },
    write: {
      code: 'WriteForbidden',
      cause: () => {
        allow = cluster.controls.fail(
          { verb: 'patch', resource: 'secrets' },
          { status: 403, reason: 'Forbidden' },
        );
        return change(NAMESPACES, 'second');
      },
      mend: () => {
        allow();
        return change(NAMESPACES, 'third');
      },
    },
    restart: {
      code: 'RestartNotAllowed',
      cause: async () => {
        await consent(null);
        await change(NAMESPACES, 'fourth');
      },
      mend: () => consent('true'),
    },
  };
}

const skip = clusterKind() === 'real' ? 'what the log says does not depend on the API server' : false;

for (const count of [1, 1_000]) {
  const title = `at each stage a failure of ${count} resources is one line, and so is its end`;
  test(title, { skip }, async () => {
    await using scene = await Scene.start(({ safe }) => ({
      VSECM_AGENT_SAFE_TIMEOUT: '500ms',
      VSECM_AGENT_SAFES: JSON.stringify([{ url: NAMED, dial: safe.dial, grants: 'plain' }]),
    }));
    const witness = new Witness(scene);
    const { log } = scene.agent;
    for (const ns of NAMESPACES) await scene.stage.namespace(ns);
    await scene.register('shared', JSON.stringify({ password: 'first' }), NAMESPACES);
    for (const ns of NAMESPACES)
      await scene.apply(workload('deployments', 'shop', { [CONSENT]: 'true' }), ns);
    const spec = {
      vsecmSafeURL: NAMED,
      data: [{ key: 'password', ref: 'shared.password' }],
      restart: [{ kind: 'Deployment', name: 'shop' }],
    };
    const all = Array.from({ length: count }, (_, index) =>
      vss(`r${index}`, spec, { namespace: NAMESPACES[index % NAMESPACES.length] }),
    );
    await scene.apply(all, 'team-0');
    const well = async () => (await witness.metric('resources', { state: 'synced' })) === count;
    await eventually('all synced', well);

    for (const [stage, { code, cause, mend }] of Object.entries(troubles(scene))) {
      assert.equal(stageOf(code), stage);
      const from = log.lines.length;
      await cause();
      await eventually(
        `${code} of all`,
        async () => (await witness.metric('failing_resources', { code })) === count,
      );
      const told = (what: RegExp): LogLine[] =>
        log.lines.slice(from).filter((line) => line['code'] === code && what.test(line.msg));
      // A Safe's failure stands for all who wait; those of resources are counted together within a moment.
      const whole = (lines: readonly LogLine[]): boolean =>
        lines.reduce((sum, { resources = 1 }) => sum + Number(resources), 0) === count ||
        (isOutside(code) && lines.length === 1);
      await eventually(`the beginning of ${code} is told`, async () => whole(told(BEGINS)));
      await mend();
      await eventually(`all well after ${code}`, well);
      await eventually(`the end of ${code} is told`, async () => whole(told(ENDS)));
      const lines = log.lines
        .slice(from)
        .filter((line) => line['code'] !== undefined && line.msg !== 'no X.509-SVID');
      assert.deepEqual(
        new Set(lines),
        new Set([...told(BEGINS), ...told(ENDS)]),
        'something else was told as well',
      );
      // A moment is longer on a busy machine, and what failed by itself is tried again in turn.
      assert.ok(lines.length <= (count === 1 ? 2 : 8), `${lines.length} lines`);
      for (const line of told(BEGINS)) assert.equal(line['stage'], stage);
    }

    // What specs have in common is what the operator allows, and that changes with a restart.
    await scene.agent.stop();
    const agent = startInProcess(await scene.stage.join('node-1'), { pace: FAST, floorMs: 50 });
    const line = await agent.log.when((line) => line['code'] === 'SafeNotAllowed');
    await agent.stop();
    const told = agent.log.lines.filter((line) => line['code'] !== undefined);
    assert.deepEqual(told, [line]);
    if (count > 1) assert.equal(line['resources'], count);
  });
}
