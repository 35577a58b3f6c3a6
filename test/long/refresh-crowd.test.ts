import { after, before, describe, test } from 'node:test';
import { clusterKind } from '../cluster.ts';
import { startProcess, type RunningAgent } from '../stage/agents.ts';
import { Crowd } from '../stage/crowd.ts';
import { costsNothing, writesTheUsersOf } from '../stage/quiet-crowd.ts';
import { restartWritesNothing, takeoverWritesStatuses } from '../stage/restart.ts';
import { Stage } from '../stage/stage.ts';
import { untilStill } from '../stage/tally.ts';

const INTERVAL_MS = 10_000;
/** A crowd that is larger where the API server is in this process and quicker. */
const CROWDS = [
  { kind: clusterKind(), resources: 1_000, namespaces: 50, secrets: 100, intervals: 10, takeover: true },
  { kind: 'dev', resources: 10_000, namespaces: 50, secrets: 1_000, intervals: 10, takeover: false },
] as const;

for (const { kind, resources, namespaces, secrets, intervals, takeover } of CROWDS) {
  // In order: each goes on with what the one before left.
  describe(`${resources} resources over ${namespaces} namespaces, ${kind}`, { timeout: 600_000 }, () => {
    let stage: Stage;
    let crowd: Crowd;
    let agent: RunningAgent;
    before(async () => {
      stage = await Stage.start({ kind });
      crowd = await Crowd.gather(stage, { resources, namespaces, secrets });
      agent = startProcess(await stage.join('node-1'));
      await crowd.settled(180_000);
      // Events trickle.
      await untilStill(stage, 5_000);
    });
    after(async () => {
      crowd?.close();
      await agent?.stop();
      await stage?.close();
    });

    test(
      `${intervals} intervals at rest cost as many requests to Safe, and none to the API server`,
      { timeout: 300_000 },
      async () => {
        await costsNothing(stage, crowd, intervals);
      },
    );

    test('one value that changes is written once for each who uses it', { timeout: 120_000 }, async () => {
      await writesTheUsersOf(stage, crowd, 7);
      await costsNothing(stage, crowd, 1);
    });

    test('a restart writes nothing', { timeout: 120_000 }, async () => {
      await agent.stop();
      const env = await stage.join('node-1');
      await restartWritesNothing(stage, crowd, INTERVAL_MS, () => (agent = startProcess(env)));
    });

    test(
      'a takeover writes one status for each, slowly, and no Secret',
      { timeout: 240_000, skip: !takeover },
      async () => {
        await agent.stop();
        const env = await stage.join('node-2');
        await takeoverWritesStatuses(stage, crowd, 'node-2', () => (agent = startProcess(env)));
      },
    );
  });
}
