import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../../agent/config.ts';
import type { DeclaredSafe } from '../../agent/safe/declared-safe.ts';
import { Safes } from '../../agent/safe/safes.ts';

const REQUIRED = { NODE_NAME: 'node-1', POD_NAME: 'vsecm-agent-x7k2p', POD_NAMESPACE: 'vsecm-agent' };
const HOME_URL = 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443';
const PROOF = 'ab'.repeat(32);

const declared = (list: unknown, env: Record<string, string> = {}): Safes => {
  const text = typeof list === 'string' ? list : JSON.stringify(list);
  return new Safes(readConfig({ ...REQUIRED, ...env, VSECM_AGENT_SAFES: text }).safes);
};
const idOf = (trustDomain: string): string =>
  `spiffe://${trustDomain}/workload/vsecm-safe/ns/vsecm-system/sa/vsecm-safe/n/vsecm-safe-0`;
const told = (safe: DeclaredSafe | undefined): object => ({ ...safe, idPattern: undefined });

const HOME = {
  url: HOME_URL,
  dial: `${HOME_URL}/workload/v1/secrets`,
  home: true,
  serverName: undefined,
  trustDomain: 'vsecm.com',
  idPattern: undefined,
  grants: 'enforce',
  scope: { as: 'vsecm.com', qualified: false },
  proof: undefined,
  timeoutMs: 10_000,
  floorMs: undefined,
};

test('without a list there is the home Safe, for resources that name none or that one', () => {
  const safes = declared('');
  assert.deepEqual(told(safes.resolve(undefined)), HOME);
  assert.equal(
    safes.resolve('https://VSECM-safe.vsecm-system.svc.cluster.local:8443/'),
    safes.resolve(undefined),
  );
  assert.ok(safes.resolve(undefined)?.idPattern.test(idOf('vsecm.com')));
  assert.equal(safes.resolve('https://elsewhere'), undefined);
});

test('a Safe that is declared by its URL alone is another one of the own trust domain, with qualified grants', () => {
  const safe = declared([{ url: 'https://Safe.B.example:443/' }]).resolve('https://safe.b.example');
  assert.deepEqual(told(safe), {
    ...HOME,
    home: false,
    url: 'https://safe.b.example',
    dial: 'https://safe.b.example/workload/v1/secrets',
    scope: { as: 'vsecm.com', qualified: true },
  });
  assert.ok(safe?.idPattern.test(idOf('vsecm.com')));
});

const FULL = {
  url: 'https://safe.b.example/api',
  dial: 'https://10.0.0.7:8443/x',
  serverName: 'safe.b.example',
  trustDomain: 'b.example',
  spiffeID: 'spiffe://b.example/safe-[0-9]|spiffe://b.example/old',
  grants: 'plain',
  as: 'cluster-a',
  proof: PROOF.toUpperCase(),
  timeout: '3s',
  floor: '1m',
};

test('every field is taken, from JSON as from YAML', () => {
  const yaml = Object.entries(FULL)
    .map(([name, value], index) => `${index === 0 ? '- ' : '  '}${name}: ${JSON.stringify(value)}`)
    .join('\n');
  for (const list of [[FULL], yaml]) {
    const safe = declared(list).resolve(FULL.url);
    assert.deepEqual(told(safe), {
      url: FULL.url,
      dial: 'https://10.0.0.7:8443/x#safe.b.example',
      home: false,
      serverName: 'safe.b.example',
      trustDomain: 'b.example',
      idPattern: undefined,
      grants: 'enforce',
      scope: { as: 'cluster-a', qualified: false },
      proof: PROOF,
      timeoutMs: 3_000,
      floorMs: 60_000,
    });
    for (const [id, fits] of [
      ['spiffe://b.example/safe-1', true],
      ['spiffe://b.example/old', true],
      ['spiffe://b.example/safe-12', false],
      ['spiffe://b.example/old/x', false],
    ] as const)
      assert.equal(safe?.idPattern.test(id), fits, id);
  }
});

test('in another trust domain Safe has by default the ID that VSecM gives it there, with its dots as dots', () => {
  const { idPattern } = declared([{ url: 'https://b', trustDomain: 'b.example' }]).resolve('https://b')!;
  for (const [trustDomain, fits] of [
    ['b.example', true],
    ['b-example', false],
    ['a.b.example', false],
    ['vsecm.com', false],
  ] as const)
    assert.equal(idPattern.test(idOf(trustDomain)), fits, trustDomain);
});

test('defaults follow what is set for the home Safe; warn and off reach no other', () => {
  const env = {
    SPIFFE_TRUST_DOMAIN: 'a.example',
    VSECM_SPIFFEID_PREFIX_SAFE: '^spiffe://a.example/safe$',
    VSECM_AGENT_SAFE_TIMEOUT: '2s',
    VSECM_AGENT_ANSWER_PROOF: PROOF,
    VSECM_AGENT_NAMESPACE_GRANTS: 'off',
  };
  const safes = declared([{ url: 'https://b' }], env);
  const { trustDomain, timeoutMs, proof, grants, scope, idPattern } = safes.resolve('https://b')!;
  assert.deepEqual(
    { trustDomain, timeoutMs, proof, grants, scope },
    {
      trustDomain: 'a.example',
      timeoutMs: 2_000,
      proof: PROOF,
      grants: 'enforce',
      scope: { as: 'a.example', qualified: true },
    },
  );
  assert.ok(idPattern.test('spiffe://a.example/safe'));
  assert.equal(safes.resolve(undefined)?.grants, 'off');
});

test('an entry for the home Safe’s own URL says more of it, and leaves its grants plain', () => {
  const safes = declared([{ url: HOME_URL, dial: 'https://127.0.0.1:1', floor: '2s' }], {
    VSECM_AGENT_NAMESPACE_GRANTS: 'warn',
  });
  assert.deepEqual(told(safes.resolve(undefined)), {
    ...HOME,
    dial: 'https://127.0.0.1:1/workload/v1/secrets',
    grants: 'warn',
    floorMs: 2_000,
  });
  assert.equal(safes.all.length, 1);
});

test('URLs that dial the same are one Safe, with one share of the memory', () => {
  const dial = 'https://127.0.0.1:1';
  const same = ['https://a', 'https://b'].map((url) => ({ url, dial, grants: 'plain' }));
  const safes = declared([...same, { url: 'https://c' }], { VSECM_SAFE_ENDPOINT_URL: dial });
  assert.deepEqual(
    safes.all.map(({ url }) => url),
    [dial, 'https://c'],
  );
  assert.equal(safes.at(`${dial}/workload/v1/secrets`), safes.resolve(undefined));
  assert.equal(safes.shareOf(100), 50);
  assert.equal(safes.resolve('https://b')?.url, 'https://b');
});

test('an alias of the home Safe binds as the home Safe does', () => {
  const dial = 'https://127.0.0.1:1';
  const env = { VSECM_SAFE_ENDPOINT_URL: dial, VSECM_AGENT_NAMESPACE_GRANTS: 'warn' };
  assert.equal(
    declared([{ url: 'https://a', dial, grants: 'plain' }], env).resolve('https://a')?.grants,
    'warn',
  );
});

/** What the start is refused for, with the place in the list and what stands there. */
const WRONG: [string, unknown, string, string][] = [
  ['a text for an entry', ['https://a'], '[0]', 'https://a'],
  ['a list for an entry', [[]], '[0]', ''],
  ['an entry without URL', [{ url: 'https://a' }, { dial: 'https://b' }], '[1].url', ''],
  ['an unknown field', [{ url: 'https://a', dail: 'https://b' }], '[0].dail', 'dail'],
  ['a field of every object', [{ url: 'https://a', constructor: 'x' }], '[0].constructor', 'constructor'],
  ['a field that is a list', [{ url: ['https://a'] }], '[0].url', ''],
  ['a URL without TLS', [{ url: 'http://a' }], '[0].url', 'http://a'],
  ['a dialled URL with a query', [{ url: 'https://a', dial: 'https://b?x' }], '[0].dial', 'https://b?x'],
  ['a dialled URL with a fragment', [{ url: 'https://a', dial: 'https://b#x' }], '[0].dial', 'https://b#x'],
  ['a server name with a dot at its end', [{ url: 'https://a', serverName: 'b.' }], '[0].serverName', 'b.'],
  [
    'an address for a server name',
    [{ url: 'https://a', serverName: '10.0.0.1' }],
    '[0].serverName',
    '10.0.0.1',
  ],
  ['a server name that goes without saying', [{ url: 'https://a', serverName: 'a' }], '[0].serverName', 'a'],
  [
    'a trust domain as a URI',
    [{ url: 'https://a', trustDomain: 'spiffe://b' }],
    '[0].trustDomain',
    'spiffe://b',
  ],
  [
    'a trust domain in capitals',
    [{ url: 'https://a', trustDomain: 'B.example' }],
    '[0].trustDomain',
    'B.example',
  ],
  ['a pattern that does not parse', [{ url: 'https://a', spiffeID: '(' }], '[0].spiffeID', '('],
  ['grants of another kind', [{ url: 'https://a', grants: 'off' }], '[0].grants', 'off'],
  ['a cluster name with a slash', [{ url: 'https://a', as: 'a/b' }], '[0].as', 'a/b'],
  ['a star for a cluster name', [{ url: 'https://a', as: '*' }], '[0].as', '*'],
  ['an empty cluster name', [{ url: 'https://a', as: '' }], '[0].as', ''],
  ['a proof that is none', [{ url: 'https://a', proof: 's3cr3t' }], '[0].proof', '(6 characters)'],
  ['a timeout of a day', [{ url: 'https://a', timeout: '24h' }], '[0].timeout', '24h'],
  ['a floor of nothing', [{ url: 'https://a', floor: '0s' }], '[0].floor', '0s'],
  ['a URL twice', [{ url: 'https://a' }, { url: 'https://A/' }], '[1].url', 'https://a'],
  [
    'the home Safe with weaker grants than it has',
    [{ url: 'https://a', dial: HOME_URL }],
    '[0].grants',
    'qualified',
  ],
  ...(
    [
      ['trustDomain', 'b.example', 'b.example'],
      ['spiffeID', 'x', '^(?:x)$'],
      ['grants', 'plain', 'plain'],
      ['as', 'b', 'b'],
      ['proof', PROOF, '(a digest)'],
      ['timeout', '1s', '1000'],
      ['floor', '1s', '1000'],
    ] as const
  ).map(([field, value, shown]): [string, unknown, string, string] => [
    `another ${field} for what is dialled already`,
    [
      { url: 'https://a', dial: 'https://c' },
      { url: 'https://b', dial: 'https://C:443/', [field]: value },
    ],
    `[1].${field}`,
    shown,
  ]),
  [
    'plain grants for what another name dials',
    [
      { url: 'https://a', dial: 'https://c' },
      { url: 'https://b', dial: 'https://c', serverName: 'd', grants: 'plain' },
    ],
    '[1].grants',
    'plain',
  ],
];

for (const [what, list, place, shown] of WRONG) {
  test(`${what} stops the start, with its place`, () => {
    assert.throws(
      () => declared(list),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.variable, 'VSECM_AGENT_SAFES');
        const begin = `VSECM_AGENT_SAFES${place}: read ${JSON.stringify(shown)}, wanted `;
        assert.equal(error.message.slice(0, begin.length), begin);
        return true;
      },
    );
  });
}

test('a password in a URL, and the placeholder for its digest, are not repeated', () => {
  for (const entry of [
    { url: 'https://user:s3cr3t@a' },
    { url: 'https://a', dial: 'https://u:s3cr3t@b' },
    { url: 'https://a', proof: 's3cr3t' },
  ])
    assert.throws(
      () => declared([entry]),
      (error: Error) => !error.message.includes('s3cr3t'),
    );
});

test('what named Safes before is refused with what to say instead', () => {
  assert.throws(() => readConfig({ ...REQUIRED, VSECM_AGENT_SAFE_URLS: 'https://a=https://b' }), {
    variable: 'VSECM_AGENT_SAFE_URLS',
    message: /wanted VSECM_AGENT_SAFES instead, a list such as \[\{url: /,
  });
});
