import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './run.ts';
import { scriptOf } from './script.ts';
import { SMALL, type Setting } from './setting.ts';

const twice = async (setting: Setting): Promise<void> => {
  const one = await run(setting, scriptOf(setting));
  const other = await run(setting, scriptOf(setting));
  assert.ok(one.trace.count > 100);
  assert.equal(one.hash, other.hash);
};

test('one seed gives one trace', () => twice({ ...SMALL, seed: 7, minutes: 20 }));

test('also with 3,000 resources', () =>
  twice({ ...SMALL, seed: 8, minutes: 4, agents: 5, resources: 3_000, namespaces: 100, secrets: 50 }));

test('another seed gives another trace', async () => {
  const of = async (seed: number): Promise<string> => {
    const setting = { ...SMALL, seed, minutes: 5 };
    return (await run(setting, scriptOf(setting))).hash;
  };
  assert.notEqual(await of(1), await of(2));
});

test('what has not to do with an event that is left out stays as it was', async () => {
  const setting = { ...SMALL, seed: 9, minutes: 20 };
  const events = scriptOf(setting, ['rotations', 'edits']);
  const edit = events.findIndex((event) => event.do === 'edit-secret');
  const of = async (left: typeof events): Promise<string[]> =>
    (await run(setting, left)).trace.last(10_000, 'event', 'rotate');
  assert.deepEqual(await of(events.toSpliced(edit, 1)), await of(events));
});
