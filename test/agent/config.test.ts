import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, describeConfig, readConfig, type Config } from '../../agent/config.ts';
import { BAD_VALUES, GOOD_VALUES } from './config-cases.ts';

const REQUIRED = { NODE_NAME: 'node-1', POD_NAME: 'vsecm-agent-x7k2p', POD_NAMESPACE: 'vsecm-agent' };

/** All but the Safes, which have tests of their own. */
const DEFAULTS: Omit<Config, 'safes'> = {
  node: 'node-1',
  pod: 'vsecm-agent-x7k2p',
  podNamespace: 'vsecm-agent',
  kubeconfig: undefined,
  kubernetesHost: undefined,
  kubernetesPort: undefined,
  spiffeSocket: 'unix:///spire-agent-socket/spire-agent.sock',
  trustDomain: 'vsecm.com',
  safeIdPattern:
    /^(?:^spiffe:\/\/vsecm.com\/workload\/vsecm-safe\/ns\/vsecm-system\/sa\/vsecm-safe\/n\/[^/]+$)$/,
  safeUrl: 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443',
  answerProof: undefined,
  safeTimeoutMs: 10_000,
  logLevel: 'info',
  service: 'vsecm-agent',
  namespaces: [],
  maxOwners: 16,
  handoffDelayMs: 30_000,
  grants: 'enforce',
  cacheBytes: 67_108_864,
  responseBytes: 33_554_432,
  concurrency: 16,
  httpPort: 9464,
  pagePort: 9465,
};

const read = (env: Record<string, string>): Omit<Config, 'safes'> => {
  const { safes: _, ...rest } = readConfig(env);
  return rest;
};

const VARIABLES = [...new Set(GOOD_VALUES.map(([variable]) => variable))];

test('with what the downward API gives alone, everything has its default', () => {
  assert.deepEqual(read(REQUIRED), DEFAULTS);
});

test('the configuration is frozen', () => {
  assert.ok(Object.isFrozen(readConfig(REQUIRED)));
});

test('an empty variable counts as unset, but for the Service, where empty means alone', () => {
  const empty = Object.fromEntries(VARIABLES.filter((name) => !(name in REQUIRED)).map((name) => [name, '']));
  assert.deepEqual(read({ ...empty, ...REQUIRED, VSECM_AGENT_SAFE_URLS: '' }), { ...DEFAULTS, service: '' });
});

for (const [variable, text, key, value] of GOOD_VALUES) {
  test(`${variable}=${JSON.stringify(text)} is taken`, () => {
    assert.deepEqual(read({ ...REQUIRED, [variable]: text }), { ...DEFAULTS, [key]: value });
  });
}

for (const [variable, text] of BAD_VALUES) {
  test(`${variable}=${JSON.stringify(text)} stops the start, by name, with what was read and what is wanted`, () => {
    assert.throws(
      () => readConfig({ ...REQUIRED, [variable]: text }),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.variable, variable);
        const shown = variable === 'VSECM_AGENT_ANSWER_PROOF' ? `(${text.length} characters)` : text;
        const before = `${variable}: read ${JSON.stringify(shown)}, wanted `;
        assert.ok(error.message.startsWith(before) && error.message.length > before.length, error.message);
        return true;
      },
    );
  });
}

for (const name of Object.keys(REQUIRED)) {
  test(`without ${name} there is no start`, () => {
    const { [name as 'NODE_NAME']: _, ...rest } = REQUIRED;
    for (const env of [rest, { ...rest, [name]: '' }])
      assert.throws(() => readConfig(env), { name: 'ConfigError', variable: name });
  });
}

test('NODE_TLS_REJECT_UNAUTHORIZED stops the start, whatever its value', () => {
  for (const value of ['0', '1', ''])
    assert.throws(() => readConfig({ ...REQUIRED, NODE_TLS_REJECT_UNAUTHORIZED: value }), {
      variable: 'NODE_TLS_REJECT_UNAUTHORIZED',
    });
});

test('an answer that fits no cache is refused at the start', () => {
  const limits = (cache: string, response: string) =>
    readConfig({ ...REQUIRED, VSECM_AGENT_CACHE_BYTES: cache, VSECM_AGENT_RESPONSE_BYTES: response });
  assert.equal(limits('1048576', '1048576').cacheBytes, 1_048_576);
  assert.throws(() => limits('1048576', '1048577'), {
    variable: 'VSECM_AGENT_CACHE_BYTES',
    message: /VSECM_AGENT_RESPONSE_BYTES, which is 1048577/,
  });
});

test('the help lists every variable once, with its meaning and its default', () => {
  const help = describeConfig();
  for (const name of [...VARIABLES, 'VSECM_AGENT_SAFES', ...Object.keys(REQUIRED)])
    assert.equal(help.split(new RegExp(`^  ${name}$`, 'm')).length, 2, name);
  assert.equal(help.match(/^ {2}[A-Z_]+$/gm)?.length, Object.keys(DEFAULTS).length + 1);
  assert.equal(help.match(/^ {6}default: /gm)?.length, Object.keys(DEFAULTS).length + 1);
  assert.equal(help.match(/^ {6}default: \(required\)$/gm)?.length, 3);
  for (const line of help.split('\n')) assert.ok(line.trim().length > 3, line);
});

test('every part of the configuration is tried with a good and a bad value', () => {
  const tried = new Set<string>(GOOD_VALUES.map(([, , key]) => key));
  assert.deepEqual([...tried].sort(), Object.keys(DEFAULTS).sort());
  const spoiled = new Set<string>(BAD_VALUES.map(([variable]) => variable));
  const safes = ['VSECM_AGENT_SAFES', 'VSECM_AGENT_SAFE_URLS'];
  assert.deepEqual([...spoiled].sort(), [...VARIABLES, ...safes].sort());
});

test('a pattern of alternatives matches whole SPIFFE IDs only', () => {
  const [a, b] = ['spiffe://vsecm.com/workload/vsecm-safe/a', 'spiffe://vsecm.com/workload/vsecm-safe/b'];
  const { safeIdPattern } = readConfig({ ...REQUIRED, VSECM_SPIFFEID_PREFIX_SAFE: `^${a}|${b}$` });
  for (const id of [a, b]) assert.ok(safeIdPattern.test(id), id);
  for (const id of [`${a}/more`, `${a}b`, `spiffe://evil/${b}`, `x${a}`, `${b}\n`])
    assert.ok(!safeIdPattern.test(id), id);
});

test('a password in a URL is not repeated', () => {
  assert.throws(
    () => readConfig({ ...REQUIRED, VSECM_SAFE_ENDPOINT_URL: 'https://user:s3cr3t@safe:8443/' }),
    (error: Error) => !error.message.includes('s3cr3t') && error.message.includes('https://***@safe:8443/'),
  );
});
