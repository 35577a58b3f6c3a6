import assert from 'node:assert/strict';
import { test } from 'node:test';
import { A, B, Fixture } from './fixture.ts';
import { APPLY } from '../devcluster/api-client.ts';

const fixture = new Fixture();

const tryOut = (data: object): ReturnType<typeof fixture.api.request> =>
  fixture.api.request(
    'PATCH',
    `${fixture.secrets('s')}?fieldManager=trial&force=true&dryRun=All`,
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data },
    { 'content-type': APPLY },
  );

test('an apply with dryRun=All of what is absent answers 201 and stores nothing', async () => {
  const { status, body } = await tryOut({ a: A });
  assert.deepEqual([status, body.data], [201, { a: A }]);
  assert.equal((await fixture.api.request('GET', fixture.secrets('s'))).status, 404);
});

test('an apply with dryRun=All of what is there answers with what would be, and changes nothing', async () => {
  await fixture.applySecret({ data: { a: A } });
  const before = await fixture.secret();
  const { status, body } = await tryOut({ a: B });
  assert.deepEqual([status, body.data], [200, { a: B }]);
  assert.deepEqual(await fixture.secret(), before);
});
