import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { vsecm } from '../cli/command-line.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { startProcess } from '../stage/agents.ts';
import { awaitObject, failsWith, secretPath, vssPath } from '../stage/await-object.ts';
import { Scene, valuesOf, vss } from '../stage/scene.ts';
import { eventually, Witness } from '../stage/witness.ts';

/** What must be found in the Secret that asks for it, and nowhere else. */
const CANARY = 'canary-4c5f9e';
/** Its base64, at each of the three positions that it can have in a text, less what depends on the neighbours. */
const ENCODED = [0, 1, 2].map((pad) => {
  const encoded = Buffer.from(' '.repeat(pad) + CANARY).toString('base64');
  return encoded.slice(Math.ceil((pad * 8) / 6), Math.floor(((pad + CANARY.length) * 8) / 6));
});

/** A secret as Safe prints it, with the canary in whatever is not its name. */
const stored = (name: string, more: object = {}, meta: object = {}) => ({
  name: `raw:${name}`,
  value: JSON.stringify({ password: CANARY, nothing: null, list: [CANARY], deep: { [CANARY]: CANARY } }),
  valueTransformed: CANARY,
  meta: { namespaces: ['shop', CANARY], template: '', Format: CANARY, correlationId: CANARY, ...meta },
  created: '2026-01-01T00:00:00Z',
  updated: '2026-01-01T00:00:00Z',
  notBefore: '2026-01-01T00:00:00Z',
  expiresAfter: '9999-12-31T23:59:59.999999999Z',
  ...more,
});

/** Everything that Safe can say of a secret, said with the canary. */
const SECRETS = [
  stored('json'),
  stored('template', {}, { template: `{"x":"{{.password}}${CANARY}"}` }),
  stored('text', { value: `not JSON: ${CANARY}` }),
  stored('broken', { value: `{"password": "${CANARY}` }),
  stored('alias', { value: `a: &a ${CANARY}\nb: *a\n` }, { Format: 'yaml' }),
  stored('deep', { value: '{"a":'.repeat(70) + `"${CANARY}"` + '}'.repeat(70) }),
  stored('label', { value: JSON.stringify({ labels: { bad: `${CANARY} with blanks` } }) }),
  stored('large', { value: CANARY.repeat(50_000), valueTransformed: CANARY.repeat(50_000) }),
  stored('dates', { notBefore: CANARY, expiresAfter: CANARY, updated: CANARY, created: CANARY }),
  stored('later', { notBefore: '2999-01-01T00:00:00Z' }),
  stored('over', { expiresAfter: '2001-01-01T00:00:00Z' }),
  stored('others', {}, { namespaces: [CANARY] }),
  stored('half', { value: JSON.stringify({ password: `${CANARY}\ud800` }) }),
];
const ANSWER = JSON.stringify({ data: JSON.stringify(SECRETS), created: '', updated: '' });

/** A resource for each way to look at one, well or badly. */
const RESOURCES: Record<string, object> = {
  fine: { data: [{ key: 'password', ref: 'json.password' }] },
  whole: {
    data: [
      { key: 'all', ref: 'json' },
      { key: 'transformed', ref: 'template' },
      { key: 'text', ref: 'text' },
    ],
  },
  members: { dataFrom: [{ ref: 'json.deep' }] },
  null: { data: [{ key: 'a', ref: 'json.nothing' }] },
  missing: { data: [{ key: 'a', ref: 'json.password.more' }] },
  text: { data: [{ key: 'a', ref: 'text.a' }] },
  broken: { data: [{ key: 'a', ref: 'broken.password' }] },
  alias: { data: [{ key: 'a', ref: 'alias.b' }] },
  deep: { data: [{ key: 'a', ref: 'deep.a.a' }] },
  label: { labels: [{ key: 'bad', ref: 'label.labels.bad' }], data: [{ key: 'a', ref: 'json.password' }] },
  base64: {
    data: [
      { key: 'a', ref: 'json.password', decode: 'Base64' },
      { key: 'b', ref: 'text', decode: 'Base64' },
    ],
  },
  large: {
    data: [
      { key: 'a', ref: 'large' },
      { key: 'b', ref: 'large' },
    ],
  },
  dates: { data: [{ key: 'a', ref: 'dates.password' }] },
  later: { data: [{ key: 'a', ref: 'later.password' }] },
  over: { data: [{ key: 'a', ref: 'over.password' }] },
  others: { data: [{ key: 'a', ref: 'others.password' }] },
  half: { data: [{ key: 'a', ref: 'half.password' }] },
  typed: {
    target: { type: 'kubernetes.io/tls' },
    data: [
      { key: 'tls.crt', ref: 'json.password' },
      { key: 'tls.key', ref: 'json.password' },
    ],
  },
};

/** Safe's failures, each with the canary in what comes over the wire. */
const FAULTS: Record<string, faults.Fault> = {
  SafeNotReady: faults.status(400, { 'x-canary': CANARY }, CANARY),
  SafeHasNoSecrets: faults.status(404, {}, CANARY),
  SafeError: faults.status(307, { location: `https://127.0.0.1:1/${CANARY}` }, CANARY),
  ResponseMalformed: faults.body(`<html>${CANARY}</html>`),
};
const MORE_MALFORMED = [
  JSON.stringify({ data: '', created: CANARY, updated: CANARY, err: CANARY }),
  JSON.stringify({ data: CANARY, created: '', updated: '', err: CANARY }),
  JSON.stringify({ data: { [CANARY]: CANARY }, created: 1, updated: 2 }),
  ANSWER.slice(0, 2_000),
];

let scene: Scene;
let witness: Witness;

before(async () => {
  scene = await Scene.start(() => ({ VSECM_LOG_LEVEL: 'trace' }));
  witness = new Witness(scene);
  await scene.stage.namespace('shop');
  scene.stage.safe.fault = faults.body(ANSWER);
});
after(() => scene.close());

const admin = () => scene.stage.cluster.admin;
const refresh = async (name: string): Promise<string> => {
  const token = `${performance.now()}`;
  const annotations = { 'vsecm.com/refresh': token };
  await admin().ok(
    'PATCH',
    vssPath('shop', name),
    { metadata: { annotations } },
    { 'content-type': 'application/merge-patch+json' },
  );
  return token;
};

/** Everything that somebody can read who may not read Secrets. */
async function everything(): Promise<Record<string, string>> {
  const text = async (path: string): Promise<string> => JSON.stringify(await admin().ok('GET', path));
  const said = await Promise.all(
    [...Object.keys(RESOURCES)].map((name) =>
      vsecm(scene.stage.cluster.kubeconfig, ['why', name, '-n', 'shop']),
    ),
  );
  return {
    log: scene.agent.log.text,
    events:
      (await text('/apis/events.k8s.io/v1/namespaces/shop/events')) +
      (await text('/apis/events.k8s.io/v1/namespaces/vsecm-agent/events')),
    resources: await text('/apis/vsecm.com/v1alpha1/namespaces/shop/vsecmsecrets'),
    metrics: await witness.metrics(),
    state: await witness.page('/state.json'),
    page: await witness.page('/'),
    cli: said.map(({ out, said }) => out + said).join('\n'),
  };
}

async function assertNowhere(): Promise<Record<string, string>> {
  const all = await everything();
  for (const [where, text] of Object.entries(all)) {
    assert.ok(text.length > 100, `${where} says nothing`);
    for (const canary of [CANARY, ...ENCODED])
      assert.ok(
        !text.includes(canary),
        `${where}: ${text.slice(Math.max(0, text.indexOf(canary) - 200), text.indexOf(canary) + 100)}`,
      );
  }
  return all;
}

test('the canary would be found: also as base64, wherever it stands in a text', () => {
  for (const pad of [0, 1, 2, 3, 4, 5]) {
    const encoded = Buffer.from(`${'x'.repeat(pad)}${CANARY}y`).toString('base64');
    assert.ok(
      ENCODED.some((canary) => canary.length > 8 && encoded.includes(canary)),
      encoded,
    );
  }
});

test('what Safe says of its secrets comes into the Secrets that ask for it, and nowhere else', async () => {
  for (const [name, spec] of Object.entries(RESOURCES)) await scene.apply(vss(name, spec), 'shop');
  for (const name of Object.keys(RESOURCES))
    await awaitObject(
      admin(),
      vssPath('shop', name),
      ({ status }) => status?.observedGeneration === 1 && (status.failure || status.secret),
    );
  const fine = await admin().ok('GET', secretPath('shop', 'fine'));
  assert.deepEqual(valuesOf(fine), { password: CANARY });
  // Lines about failures come a second later.
  await scene.agent.log.when(({ code }) => code === 'Expired');
  await eventually('Events', async () => {
    const { items } = await admin().ok('GET', '/apis/events.k8s.io/v1/namespaces/shop/events');
    return items.length >= Object.keys(RESOURCES).length;
  });
  const { resources = '', log = '' } = await assertNowhere();
  assert.match(resources, /spec\.data\[0\]: the value for a cannot be stored: decode is Base64/);
  // All of this was seen through: failures of many kinds, at the most talkative level.
  const codes = new Set([...resources.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code));
  for (const code of [
    'RefIsNull',
    'RefNotFound',
    'RefInvalid',
    'ValueInvalid',
    'SecretTooLarge',
    'NotYetValid',
    'Expired',
    'NotGranted',
  ])
    assert.ok(codes.has(code), `${code} did not come about, only ${[...codes].join(', ')}`);
  assert.match(log, /"level":"debug"/);
});

test('what Safe says when it fails comes nowhere', async () => {
  const malformed = MORE_MALFORMED.map((body) => ['ResponseMalformed', faults.body(body)] as const);
  for (const [code, fault] of [...Object.entries(FAULTS), ...malformed]) {
    scene.stage.safe.fault = fault;
    const token = await refresh('fine');
    await awaitObject(
      admin(),
      vssPath('shop', 'fine'),
      (object) => failsWith(code)(object) && object.status.handledRefresh === token,
    );
    await assertNowhere();
    scene.stage.safe.fault = faults.body(ANSWER);
    await awaitObject(admin(), vssPath('shop', 'fine'), ({ status }) => status.failure === undefined);
  }
});

test('a bare value that Safe does not name comes nowhere', async () => {
  scene.stage.safe.fault = faults.body(
    JSON.stringify({ data: `{"password":"${CANARY}"}`, created: '', updated: '' }),
  );
  await refresh('fine');
  await awaitObject(admin(), vssPath('shop', 'fine'), failsWith('UnnamedSecret'));
  await assertNowhere();
});

test('the last words of an agent that crashes hold nothing of what it was given', async () => {
  // What nobody expected, with a message that quotes its input, as parsers' messages do.
  const crash = `process.once('SIGUSR2', () => JSON.parse('{"a":' + '${CANARY.slice(0, 5)}' + '${CANARY.slice(5)}'))`;
  const agent = startProcess(
    await scene.stage.join('node-1', {
      VSECM_LOG_LEVEL: 'trace',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(crash)}`,
    }),
  );
  await agent.log.when(({ msg }) => msg === 'X.509-SVID obtained');
  agent.kill('SIGUSR2');
  assert.equal(await agent.exited, 1);
  const last = agent.log.lines.at(-1);
  assert.deepEqual(
    [last?.level, last?.msg, last?.['cause']],
    ['fatal', 'The agent cannot go on', 'SyntaxError'],
  );
  for (const canary of [CANARY, ...ENCODED]) assert.ok(!agent.log.text.includes(canary));
});
