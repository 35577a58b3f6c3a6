import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { load } from 'js-yaml';
import { safeCommands } from '../docs/documentation.ts';
import { failsWith } from '../stage/await-object.ts';
import { Scene, valuesOf } from '../stage/scene.ts';
import { EXAMPLES } from '../stage/stage.ts';

let scene: Scene;
before(async () => (scene = await Scene.start()));
after(() => scene.close());

const PEM = (type: string): string => `-----BEGIN ${type}-----\n...\n-----END ${type}-----\n`;

/** What the agent makes of each example, and how it is read. */
const CASES: Record<string, (values: Record<string, string>) => void> = {
  'connection-string.yaml': (values) => {
    const url = new URL(values['DATABASE_URL']!);
    assert.deepEqual(
      [url.username, decodeURIComponent(url.password), url.host, url.pathname],
      ['shop', 'p@ss/word', 'db.example.com:5432', '/shop'],
    );
    assert.equal(values['username'], 'shop');
  },
  'application-yaml.yaml': (values) =>
    assert.deepEqual(load(values['application.yaml']!), {
      spring: {
        datasource: {
          url: 'jdbc:postgresql://db.example.com/shop',
          username: 'shop',
          password: 'yes: #1',
        },
        mail: { host: 'mail.example.com', port: 587 },
      },
      mail: { 'api-key': '...' },
    }),
  'pgpass.yaml': (values) =>
    assert.equal(
      values['.pgpass'],
      'shop.example.com:5432:*:shop:a\\:b\nreports.example.com:5432:*:reports:c\\\\d\n',
    ),
  'registry-login.yaml': (values) => {
    const { auths } = JSON.parse(values['.dockerconfigjson']!);
    const { username, password, auth } = auths['registry.example.com'];
    assert.deepEqual(
      [username, password, Buffer.from(auth, 'base64').toString()],
      ['robot$shop', '...', 'robot$shop:...'],
    );
  },
  'tls-bundle.yaml': (values) =>
    assert.deepEqual(values, {
      'tls.crt': PEM('CERTIFICATE'),
      'tls.key': PEM('PRIVATE KEY'),
      'haproxy.pem': PEM('CERTIFICATE') + PEM('PRIVATE KEY'),
    }),
};

for (const [file, check] of Object.entries(CASES)) {
  test(`${file} becomes what its reader wants`, async () => {
    const text = await readFile(join(EXAMPLES, file), 'utf8');
    const namespace = file.replace('.yaml', '');
    await scene.stage.namespace(namespace);
    for (const { name, value } of safeCommands(text.replaceAll(/^# {3}(?=safe )/gm, 'sentinel -- ')))
      await scene.register(name.replace(/^raw:/, ''), value, [namespace]);
    const [{ metadata }] = await scene.apply(text, namespace);
    await scene.vss(namespace, metadata.name);
    const target = (load(text) as any).spec.target?.name ?? metadata.name;
    check(valuesOf(await scene.secret(namespace, target)));
  });
}

test('a member that goes leaves the Secret as it was, and one that comes is written', async () => {
  const namespace = 'later';
  await scene.stage.namespace(namespace);
  await scene.register('later', '{"user":"root","password":"one"}', [namespace]);
  const spec = {
    values: [{ name: 'db', ref: 'later' }],
    data: [{ key: 'login', template: '{{ db.user }}:{{ db.password }}' }],
  };
  await scene.apply(
    { apiVersion: 'vsecm.com/v1alpha1', kind: 'VSecMSecret', metadata: { name: 'later' }, spec },
    namespace,
  );
  await scene.vss(namespace, 'later');
  const login = async (): Promise<string | undefined> =>
    valuesOf(await scene.secret(namespace, 'later'))['login'];
  assert.equal(await login(), 'root:one');
  await scene.register('later', '{"user":"root"}', [namespace]);
  const failed = await scene.refresh(namespace, 'later');
  assert.ok(failsWith('TemplateFailed')(failed), JSON.stringify(failed.status));
  assert.match(failed.status.failure.message, /^spec\.data\[0\]\.template: db\.password is not there/);
  assert.doesNotMatch(JSON.stringify(failed.status), /root|one/);
  assert.equal(await login(), 'root:one');
  await scene.register('later', '{"user":"root","password":"two"}', [namespace]);
  await scene.vss(namespace, 'later');
  assert.equal(await login(), 'root:two');
});
