import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { awaitObject, failsWith, vssPath } from '../stage/await-object.ts';
import { credentials, Scene, vss } from '../stage/scene.ts';
import { startInProcess } from '../stage/agents.ts';
import { FAST } from '../stage/stage.ts';

/**
 * The status as kstatus reads it (sigs.k8s.io/cli-utils, pkg/kstatus: generic.go and its "augmented conditions"), which
 * Flux, kpt and others follow: an old observedGeneration is in progress, Stalled and Reconciling decide, then Ready.
 */
function kstatus(object: any): 'Current' | 'InProgress' | 'Failed' | 'Terminating' {
  const { metadata, status } = object;
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const find = (type: string) => status?.conditions?.find((one: any) => one.type === type)?.status;
  if (find('Reconciling') === 'True') return 'InProgress';
  if (find('Stalled') === 'True') return 'Failed';
  const ready = find('Ready');
  if (ready === 'False' || ready === 'Unknown') return 'InProgress';
  return 'Current';
}

describe('kubectl', { timeout: 240_000 }, () => {
  let scene: Scene;
  const kubectl = (...args: string[]) => scene.stage.cluster.kubectl(args);
  const ref = (path: string): object => ({ data: [{ key: 'password', ref: path }] });
  const get = (name: string): Promise<any> => scene.stage.cluster.admin.ok('GET', vssPath('team', name));

  before(async () => {
    scene = await Scene.start();
    await scene.stage.namespace('team');
    await scene.register('db', credentials(), ['team']);
    await scene.apply(vss('db', ref('db.cocaCola.data.password')), 'team');
    await scene.apply(vss('missing', ref('db.cocaCola.data.nothing')), 'team');
    await scene.vss('team', 'db');
    await scene.vss('team', 'missing', failsWith('RefNotFound'));
  });
  after(() => scene?.close());

  test('wait --for=condition=Ready returns once the Secret is there', async () => {
    const waiting = kubectl('wait', '--for=condition=Ready', 'vss/late', '-n', 'team', '--timeout=30s');
    await scene.apply(vss('late', ref('later.password')), 'team');
    await scene.vss('team', 'late', failsWith('NotGranted'));
    const now = await kubectl('wait', '--for=condition=Ready', 'vss/late', '-n', 'team', '--timeout=1s');
    assert.deepEqual([now.exitCode, now.stdout], [1, '']);
    await scene.register('later', '{"password":"s3cr3t"}', ['team']);
    await scene.refresh('team', 'late');
    const again = await kubectl('wait', '--for=condition=Ready', 'vss/late', '-n', 'team', '--timeout=30s');
    assert.deepEqual([again.exitCode, again.stdout], [0, 'vsecmsecret.vsecm.com/late condition met\n']);
    // Began before there was anything to wait for: kubectl says so at once, or has waited along.
    const { exitCode, stderr } = await waiting;
    assert.ok(exitCode === 0 || /not found/.test(stderr), stderr);
  });

  test('wait tells a failure that needs a person by Stalled, and the reason by jsonpath', async () => {
    const stalled = await kubectl(
      'wait',
      '--for=condition=Stalled',
      'vss/missing',
      '-n',
      'team',
      '--timeout=5s',
    );
    assert.equal(stalled.exitCode, 0, stalled.stderr);
    const path = '--for=jsonpath={.status.failure.code}=RefNotFound';
    assert.equal((await kubectl('wait', path, 'vss/missing', '-n', 'team', '--timeout=5s')).exitCode, 0);
  });

  test('kstatus: a right Secret is current, also while Safe is away', async () => {
    assert.equal(kstatus(await get('db')), 'Current');
    await scene.stage.safe.stop();
    try {
      const failing = await scene.refresh('team', 'db');
      assert.equal(failing.status.failure.code, 'SafeUnreachable');
      assert.equal(kstatus(failing), 'Current');
      const wait = await kubectl('wait', '--for=condition=Ready', 'vss/db', '-n', 'team', '--timeout=5s');
      assert.equal(wait.exitCode, 0);
      // Without a Secret it waits for Safe, which is progress and needs nobody.
      await scene.apply(
        vss('new', ref('db.cocaCola.data.username'), { annotations: { 'vsecm.com/refresh': '1' } }),
        'team',
      );
      assert.equal(kstatus(await scene.vss('team', 'new', failsWith('SafeUnreachable'))), 'InProgress');
    } finally {
      await scene.stage.safe.start();
    }
    assert.equal(kstatus(await scene.vss('team', 'new')), 'Current');
  });

  test('kstatus: what needs a person has failed, what has not been looked at is in progress', async () => {
    assert.equal(kstatus(await get('missing')), 'Failed');
    await scene.agent.stop();
    await scene.apply(vss('unseen', ref('db.cocaCola.data.password')), 'team');
    const unseen = await get('unseen');
    assert.deepEqual(unseen.status, { observedGeneration: -1 });
    assert.equal(kstatus(unseen), 'InProgress');
    await scene.patch(vssPath('team', 'db'), { spec: { refreshInterval: '2h' } });
    assert.equal(kstatus(await get('db')), 'InProgress');
    const agent = startInProcess({ ...scene.agent.env }, { pace: FAST, floorMs: 50 });
    try {
      const { admin } = scene.stage.cluster;
      const seen = (object: any) => object.status.observedGeneration === object.metadata.generation;
      assert.equal(kstatus(await awaitObject(admin, vssPath('team', 'db'), seen)), 'Current');
      assert.equal(kstatus(await awaitObject(admin, vssPath('team', 'unseen'), seen)), 'Current');
    } finally {
      await agent.stop();
    }
  });

  test('get vss -A answers: is it fine, and whose log do I read', async () => {
    const { stdout } = await kubectl('get', 'vss', '-A');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    assert.deepEqual(lines[0], [
      'NAMESPACE',
      'NAME',
      'READY',
      'REASON',
      'SECRET',
      'REFRESH',
      'SYNCED',
      'NODE',
      'AGE',
    ]);
    const line = (name: string) => stdout.split('\n').find((one) => one.includes(` ${name} `)) ?? '';
    assert.match(line('db'), /^team +db +True +db +2h +\d+s +node-1 +\d+s$/);
    assert.match(line('missing'), /^team +missing +False +RefNotFound +1h +node-1 +\d+s$/);
    const wide = await kubectl('get', 'vss', 'missing', '-n', 'team', '-o', 'wide');
    assert.match(wide.stdout, /SAFE URL +MESSAGE/);
    assert.match(wide.stdout, /spec\.data\[0\]\.ref \(db\.cocaCola\.data\.nothing\): the secret is granted/);
    assert.match((await kubectl('get', 'vsecm', '-A')).stdout, /^team +db /m);
  });

  test('describe tells cause, hint, since when, and the Events of its transitions', async () => {
    const { stdout } = await kubectl('describe', 'vss', 'missing', '-n', 'team');
    const failure = stdout.slice(stdout.indexOf('  Failure:'));
    assert.match(failure, /^ {4}Code: +RefNotFound$/m);
    assert.match(
      failure,
      /^ {4}Hint: +Compare the ref with what was registered.*safe -w raw:db -n team -s 'VALUE'$/m,
    );
    assert.match(failure, /^ {4}Message: +spec\.data\[0\]\.ref \(db\.cocaCola\.data\.nothing\): .*$/m);
    assert.match(failure, /^ {4}Since: +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m);
    assert.match(failure, /^ {4}Stage: +resolve$/m);
    assert.match(failure, /^ {2}Node: +node-1$/m);
    assert.match(stdout, /^ +Warning +RefNotFound +\S+ +vsecm\.com\/vsecm-agent +spec\.data\[0\]\.ref/m);
    const well = await kubectl('describe', 'vss', 'db', '-n', 'team');
    assert.match(well.stdout, /^ +Normal +Synced +\S+ +vsecm\.com\/vsecm-agent +Secret db was created$/m);
    assert.doesNotMatch(stdout + well.stdout, /s3cr3t/);
  });
});
