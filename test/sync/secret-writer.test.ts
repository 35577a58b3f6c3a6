import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, type Code } from '../../agent/api/reasons.ts';
import { SecretApiError, type Refusal, type RefusalDetails } from '../../agent/sync/secret-api.ts';
import { isOurs, SecretWriter, type WriteRequest } from '../../agent/sync/secret-writer.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { desiredOf, foreignMeta, resourceOf, secretMeta, specOf } from './objects.ts';

function begin() {
  const secrets = new FakeSecrets(new FakeClock());
  const writer = new SecretWriter({ api: secrets });
  const write = (change: Partial<WriteRequest> & { policy?: string } = {}) =>
    writer.write({
      resource: resourceOf(),
      target: specOf({ target: { creationPolicy: change.policy ?? 'Owner' } }).target,
      desired: desiredOf(),
      over: undefined,
      mayWrite: () => true,
      ...change,
    });
  const applies = () =>
    secrets.writes.map(({ force, body }) => [force, body?.metadata.resourceVersion, !!body?.data]);
  return { secrets, writer, write, applies };
}

const failsWith = (code: Code) => (error: unknown) => error instanceof Failure && error.code === code;
const conflicts = { name: 'Conflict' };

for (const policy of ['Owner', 'Orphan'])
  test(`${policy}: an absent Secret is created without force, and without uid`, async () => {
    const { secrets, write, applies } = begin();
    const { meta, result } = await write({ policy });
    assert.deepEqual([result, meta.resourceVersion], ['created', secrets.get('db')?.resourceVersion]);
    assert.deepEqual(applies(), [[false, undefined, true]]);
  });

test('Merge: an absent Secret is not created', async () => {
  const { write, applies } = begin();
  await assert.rejects(write({ policy: 'Merge' }), failsWith('TargetMissing'));
  assert.deepEqual(applies(), []);
});

for (const policy of ['Owner', 'Orphan', 'Merge'])
  test(`${policy}: a Secret that is there is written with its version, ${policy === 'Merge' ? 'without' : 'by'} force`, async () => {
    const { secrets, write, applies } = begin();
    const over = secrets.edit('db', { adoptable: true });
    const { result } = await write({ policy, over });
    assert.equal(result, 'updated');
    assert.deepEqual(applies(), [[policy !== 'Merge', over.resourceVersion, true]]);
    const again = await write({ policy, over: secrets.get('db')! });
    assert.equal(again.result, 'unchanged');
  });

test('created by somebody in between: what was taken is given back, and the Secret is theirs', async () => {
  const { secrets, write, applies } = begin();
  secrets.beforeApply = () => {
    secrets.beforeApply = () => {};
    secrets.edit('db');
  };
  await assert.rejects(write(), failsWith('TargetConflict'));
  const [first, second] = applies();
  assert.deepEqual(first, [false, undefined, true]);
  assert.deepEqual([second?.[0], second?.[2], typeof second?.[1]], [false, false, 'string']);
  assert.equal(secrets.get('db')?.appliedAt, undefined);
});

test('created by another agent in between: nothing is given back, it is looked at anew', async () => {
  const { secrets, write, applies } = begin();
  secrets.beforeApply = () => void secrets.takeOver('db');
  await assert.rejects(write(), conflicts);
  assert.equal(applies().length, 1);
});

test('somebody is faster than the giving back: what they wrote stays', async () => {
  const { secrets, write } = begin();
  let edits = 0;
  secrets.beforeApply = () => void (edits++ < 2 && secrets.edit('db'));
  await assert.rejects(write());
  assert.equal(secrets.writes.length, 2);
});

test('a 403 on creating is a conflict if a Secret of somebody is there, else forbidden', async () => {
  const { secrets, write } = begin();
  secrets.refuse = () => 'forbidden';
  await assert.rejects(write(), failsWith('WriteForbidden'));
  secrets.edit('db');
  await assert.rejects(write(), failsWith('TargetConflict'));
  secrets.edit('db', { ownerUids: ['uid-db'] });
  await assert.rejects(write(), failsWith('WriteForbidden'));
});

test('a 403 on a later write is forbidden, without a look', async () => {
  const { secrets, write } = begin();
  const over = secrets.edit('db', { adoptable: true });
  secrets.refuse = () => 'forbidden';
  await assert.rejects(write({ over }), failsWith('WriteForbidden'));
  assert.ok(secrets.calls.every(({ verb }) => verb === 'apply'));
});

const REFUSALS: readonly [Refusal, RefusalDetails, string | Code][] = [
  ['stale', {}, 'Conflict'],
  ['missing', {}, 'Conflict'],
  ['terminating', {}, 'NamespaceTerminating'],
  ['field-conflict', {}, 'TargetConflict'],
  ['unavailable', {}, 'ApiUnavailable'],
  ['invalid', {}, 'WriteRejected'],
  ['invalid', { fields: ['data[a b]'] }, 'WriteRejected'],
  ['invalid', { fields: ['type'] }, 'TargetImmutable'],
  ['invalid', { fields: ['data'] }, 'TargetImmutable'],
  ['invalid', { fields: ['immutable'] }, 'TargetImmutable'],
];

for (const [refusal, details, name] of REFUSALS)
  for (const first of [true, false])
    test(`${refusal} ${details.fields ?? ''} on a ${first ? 'first' : 'later'} write is ${name}`, async () => {
      const { secrets, write } = begin();
      const over = first ? undefined : secrets.edit('db', { adoptable: true });
      secrets.refuse = () => new SecretApiError(refusal, details);
      await assert.rejects(write({ over }), (error: Failure) => {
        assert.equal(error.code ?? error.name, name);
        if (error instanceof Failure) assert.equal(error.context.target, 'db');
        return true;
      });
    });

test('the wish of the API server to wait is handed on', async () => {
  const { secrets, write } = begin();
  secrets.refuse = () =>
    new SecretApiError('unavailable', { retryAfterMs: 7_000, reason: 'TooManyRequests' });
  await assert.rejects(write(), { retryAfterMs: 7_000, reason: 'TooManyRequests' });
});

test('without the right to write no request is made', async () => {
  const { secrets, write } = begin();
  await assert.rejects(write({ mayWrite: () => false }), conflicts);
  assert.deepEqual(secrets.calls, []);
});

test('an error that nobody declared is not taken for a refusal', async () => {
  const { secrets, write } = begin();
  secrets.refuse = () => {
    throw new TypeError('a bug');
  };
  await assert.rejects(write(), { name: 'TypeError' });
});

test('a look that is refused is a failure of writing', async () => {
  const { secrets, writer } = begin();
  secrets.look = () => Promise.reject(new SecretApiError('forbidden'));
  await assert.rejects(writer.look(resourceOf(), 'db'), failsWith('WriteForbidden'));
});

test('a former Secret is deleted only while this resource owns it', async () => {
  const { secrets, writer } = begin();
  const remove = () => writer.removeFormer(resourceOf(), 'db');
  await remove();
  for (const change of [
    { ownerUids: ['uid-other'] },
    { ownerUids: [] },
    { ownerUids: ['uid-db'], deleting: true },
  ]) {
    secrets.edit('db', change);
    await remove();
    assert.notEqual(secrets.get('db'), undefined);
  }
  secrets.edit('db', { ownerUids: ['uid-db'], deleting: false });
  for (const refusal of ['stale', 'missing'] as const) {
    secrets.refuse = () => refusal;
    await remove();
  }
  secrets.refuse = () => 'unavailable';
  await assert.rejects(remove(), failsWith('ApiUnavailable'));
  secrets.refuse = () => undefined;
  await remove();
  assert.equal(secrets.get('db'), undefined);
});

test('what could not be given back is remembered as not ours, and given back later', async () => {
  const { secrets, writer, write } = begin();
  secrets.beforeApply = () => {
    secrets.edit('db');
    secrets.beforeApply = () => {
      secrets.refuse = () => 'forbidden';
    };
  };
  await assert.rejects(write(), failsWith('TargetConflict'));
  assert.equal(writer.hasStrayed(secrets.get('db')!), true);
  secrets.beforeApply = () => {};
  secrets.refuse = () => undefined;
  await writer.giveBack(resourceOf(), secrets.get('db')!);
  assert.equal(writer.hasStrayed(secrets.get('db')!), false);
});

test('ours is what this resource owns or an agent wrote', () => {
  assert.equal(isOurs(secretMeta(), resourceOf()), true);
  assert.equal(isOurs(secretMeta({ ownerUids: [] }), resourceOf()), true);
  assert.equal(isOurs(foreignMeta({ ownerUids: ['uid-db'] }), resourceOf()), true);
  assert.equal(isOurs(foreignMeta({ ownerUids: ['uid-other'] }), resourceOf()), false);
});
