import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EXAMPLES, Stage } from '../stage/stage.ts';
import { vss } from '../stage/scene.ts';
import { vsecm, type Ran } from './command-line.ts';

let stage: Stage;
const check = (stdin: string, ...argv: string[]): Promise<Ran> =>
  vsecm(stage.cluster.kubeconfig, ['check', '-f', '-', '-n', 'team', ...argv], { stdin });
const checkAll = async (...documents: object[]) => {
  const { code, out } = await check(
    documents.map((one) => JSON.stringify(one)).join('\n---\n'),
    '-o',
    'json',
  );
  return {
    code,
    results: JSON.parse(out) as { name?: string; result: string; problems: string[]; shapes: object }[],
  };
};
const password = { data: [{ key: 'password', ref: 'db.password' }] };
const names = async (): Promise<string[]> =>
  (await stage.cluster.admin.ok('GET', '/apis/vsecm.com/v1alpha1/vsecmsecrets')).items.map(
    ({ metadata }: any) => metadata.name,
  );

before(async () => {
  stage = await Stage.start();
  await stage.namespace('team');
});
after(() => stage?.close());

test('the documented resources are well, and nothing is written', async () => {
  for (const file of ['database-credentials.yaml', 'database-credentials-with-labels.yaml']) {
    const path = join(EXAMPLES, file);
    const byName = await vsecm(stage.cluster.kubeconfig, ['check', '--filename', path, '-n', 'team']);
    const expected = [0, 'team/database-credentials   ok\n', ''];
    assert.deepEqual([byName.code, byName.out, byName.said], expected);
    const byInput = await check(await readFile(path, 'utf8'));
    assert.deepEqual([byInput.code, byInput.out], expected.slice(0, 2));
  }
  assert.deepEqual(await names(), []);
});

test('each of several documents is told about by its name, with the field and what to do', async () => {
  const { code, results } = await checkAll(
    vss('good', password),
    vss('no-data', {}),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain' } },
    vss('short', { refreshInterval: '1s', ...password }),
    { apiVersion: 'vsecm.com/v1', kind: 'VSecMSecret', metadata: { name: 'future' } },
    { apiVersion: 'v1', kind: 'List', items: [vss('listed', password)] },
    vss('twin', { target: { name: 'good' }, ...password }),
    vss('abroad', password, { namespace: 'elsewhere' }),
  );
  assert.equal(code, 1);
  assert.deepEqual(
    results.map(({ name, result }) => [name, result]),
    [
      ['good', 'ok'],
      ['no-data', 'wrong'],
      [undefined, 'skipped'],
      ['short', 'wrong'],
      ['future', 'wrong'],
      ['listed', 'ok'],
      ['twin', 'wrong'],
      ['abroad', 'wrong'],
    ],
  );
  assert.match(results[1]?.problems[0] ?? '', /^spec\.data must name at least one key/);
  assert.match(results[3]?.problems[0] ?? '', /^spec\.refreshInterval /);
  assert.match(
    results[6]?.problems[0] ?? '',
    /^TargetConflict: Secret good is the target of VSecMSecret good, too/,
  );
  assert.deepEqual(await names(), []);
});

test('a target that a VSecMSecret of the cluster has is found', async () => {
  await stage.cluster.apply(vss('holder', { target: { name: 'shared' }, ...password }), 'team');
  const { code, results } = await checkAll(vss('newcomer', { target: { name: 'shared' }, ...password }));
  assert.equal(code, 1);
  assert.match(results[0]?.problems[0] ?? '', /Secret shared is the target of VSecMSecret holder/);
  assert.equal((await checkAll(vss('holder', { target: { name: 'shared' }, ...password }))).code, 0);
});

test('what templates will give is shown, with names for the values', async () => {
  const path = join(EXAMPLES, 'application-yaml.yaml');
  const { code, out } = await vsecm(stage.cluster.kubeconfig, ['check', '-f', path, '-n', 'team']);
  assert.equal(code, 0);
  const [first, ...shape] = out.trimEnd().split('\n');
  assert.equal(first, 'team/shop-config   ok');
  assert.deepEqual(shape.map((line) => line.slice('team/shop-config   '.length)).slice(0, 5), [
    'application.yaml: spring:',
    '  datasource:',
    '    url: jdbc:postgresql://db.example.com/shop',
    '    username: <user|yaml>',
    '    password: <password|yaml>',
  ]);
  const { results } = await checkAll(
    vss('good', { values: [{ name: 'v', ref: 's' }], data: [{ key: 'k', template: '{{ v | trim }}' }] }),
    vss('open', { data: [{ key: 'k', template: 'a\n{{' }] }),
    vss('unknown', { data: [{ key: 'k', template: '{{ v }}' }] }),
  );
  assert.deepEqual(
    results.map(({ result, shapes }) => [result, shapes]),
    [
      ['ok', { k: '<v|trim>' }],
      ['wrong', {}],
      ['wrong', {}],
    ],
  );
  assert.match(results[1]!.problems[0]!, /^spec\.data\[0\]\.template does not parse: line 2, column 3: /);
  assert.match(results[2]!.problems[0]!, /^spec\.data\[0\]\.template uses v, which is not in spec\.values/);
});

test('what the API server refuses is told by its fields; a namespace that is absent and a missing verb are not the file’s fault', async (t) => {
  const input = JSON.stringify(vss('db', password));
  const absent = await vsecm(stage.cluster.kubeconfig, ['check', '-f', '-', '-n', 'nowhere'], {
    stdin: input,
  });
  assert.equal(absent.code, 1);
  assert.match(absent.out, /^nowhere\/db +unknown\n/);
  const limited = await stage.cluster.kubeconfigFor({ namespace: 'vsecm-agent', name: 'vsecm-agent' });
  if (stage.cluster.kind === 'dev')
    t.after(stage.cluster.controls.fail({ resource: 'vsecmsecrets', verb: 'patch' }, { status: 403 }));
  const refused = await vsecm(limited, ['check', '-f', '-', '-n', 'team'], { stdin: input });
  assert.equal(refused.code, 1);
  assert.match(
    refused.out,
    /^team\/db +unknown\n +you are not allowed to patch vsecmsecrets\.vsecm\.com in namespace team/,
  );
});

test('what is no YAML, no file and no document ends with a sentence', async () => {
  assert.deepEqual(await check('a: [s3cr3t'), {
    code: 2,
    out: '',
    said: 'error: the file is not YAML: line 1\nkubectl vsecm --help tells what there is\n',
    progress: [],
  });
  assert.equal((await check('')).code, 1);
  const { said } = await vsecm(stage.cluster.kubeconfig, ['check', '-f', '/nowhere/x.yaml']);
  assert.match(said, /cannot be read \(ENOENT\)/);
});

test('a file that stands for billions of values, or leads elsewhere, ends with a sentence', async () => {
  const levels = Array.from({ length: 9 }, (_, level) =>
    level === 0
      ? 'a0: &a0 [x]'
      : `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(',')}]`,
  );
  const bomb = `kind: VSecMSecret\nmetadata: {name: x}\n${levels.join('\n')}`;
  const { code, said } = await check(bomb);
  assert.equal(code, 2);
  assert.match(said, /stands for more than 100,000 values/);
  for (const namespace of ['..', '../x', 'a/b', 'n\u001b[8m', '']) {
    const document = JSON.stringify(vss('x', password, { namespace }));
    const ran = await vsecm(stage.cluster.kubeconfig, ['check', '-f', '-'], { stdin: document });
    assert.equal(ran.code, 1, namespace);
    assert.match(ran.out, /metadata\.namespace is not the name of a namespace/);
    assert.ok(!ran.out.includes('\u001b'));
  }
});
