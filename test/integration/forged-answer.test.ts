import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { failsWith, vssPath } from '../stage/await-object.ts';
import { Scene, valuesOf, vss } from '../stage/scene.ts';

const element = (name: string, namespaces: string[], value: string) => ({
  name: `raw:${name}`,
  value,
  valueTransformed: value,
  meta: { namespaces, template: '', Format: '', correlationId: 'x' },
  created: '2026-01-01T00:00:00Z',
  updated: '2026-01-01T00:00:00Z',
  notBefore: '2026-01-01T00:00:00Z',
  expiresAfter: '9999-12-31T23:59:59.999999999Z',
});

test('a value that looks like Safe’s list of secrets, served alone, replaces nobody’s password', async () => {
  await using scene = await Scene.start(() => ({
    VSECM_AGENT_ANSWER_PROOF: createHash('sha256').update('placeholder').digest('hex'),
  }));
  await scene.stage.namespace('shop');
  await scene.register('database', '{"password":"right"}', ['shop']);
  const forged = [
    element('database', ['shop'], '{"password":"wrong"}'),
    element('vsecm-agent-placeholder', ['*'], 'guess'),
  ];
  await scene.register('of-a-tenant', JSON.stringify(forged), ['tenant']);
  const spec = { data: [{ key: 'password', ref: 'database.password' }] };
  await scene.apply(vss('database', spec), 'shop');
  await scene.vss('shop', 'database');
  const before = await scene.secret('shop', 'database');

  for (const lost of ['raw:database', 'raw:vsecm-agent-placeholder'])
    await scene.stage.safe.sentinel.delete(lost);
  await scene.patch(vssPath('shop', 'database'), {
    metadata: { annotations: { 'vsecm.com/refresh': 'now' } },
  });
  await scene.vss('shop', 'database', failsWith('UnprovenAnswer'));
  assert.deepEqual(await scene.secret('shop', 'database'), before);
  assert.deepEqual(valuesOf(before), { password: 'right' });
});
