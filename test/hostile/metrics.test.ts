import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scene, vss } from '../stage/scene.ts';

let scene: Scene;
before(async () => {
  scene = await Scene.start();
  await scene.stage.namespace('evil');
});
after(() => scene.close());

/** All that may follow from what Safe holds; time, memory and counts of requests go on by themselves. */
async function metrics(): Promise<string> {
  const port = await scene.agent.port();
  // What was told to one serves others for a second.
  await sleep(1_000);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => /_bytes|safe_secrets/.test(line) && !/^(#|process_|nodejs_)/.test(line))
    .join('\n');
}

test('no tenant learns from the metrics how long the value of another is', async () => {
  await scene.register('mine', '{"p":"x"}', ['evil']);
  await scene.register('theirs', 'hunter2', ['board']);
  await scene.apply(vss('mine', { data: [{ key: 'p', ref: 'mine.p' }] }), 'evil');
  await scene.vss('evil', 'mine');
  await scene.refresh('evil', 'mine');
  const before = await metrics();
  assert.match(before, /vsecm_agent_safe_answer_bytes\S* \d+/);
  for (const value of ['hunter2hunter2', '', 'x'.repeat(10_000)]) {
    await scene.register('theirs', value, ['board']);
    await scene.refresh('evil', 'mine');
    assert.equal(await metrics(), before);
  }
});
