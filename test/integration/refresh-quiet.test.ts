import { test } from 'node:test';
import { startInProcess } from '../stage/agents.ts';
import { Crowd } from '../stage/crowd.ts';
import { costsNothing, nodeDueSoon, writesTheUsersOf } from '../stage/quiet-crowd.ts';
import { Stage } from '../stage/stage.ts';
import { untilStill } from '../stage/tally.ts';

test('200 resources cost one write for each user of a new value, and at rest one request to Safe an interval', async () => {
  await using stage = await Stage.start();
  const crowd = await Crowd.gather(stage, { resources: 200, namespaces: 20, secrets: 40 });
  const agent = startInProcess(await stage.join(nodeDueSoon(stage)));
  try {
    await crowd.settled(30_000);
    // Events trickle.
    await untilStill(stage, 3_000);
    await writesTheUsersOf(stage, crowd, 7);
    await costsNothing(stage, crowd, 3);
  } finally {
    crowd.close();
    await agent.stop();
  }
});
