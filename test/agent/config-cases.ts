import type { Config } from '../../agent/config.ts';

type GoodValue = {
  [K in keyof Omit<Config, 'safes'>]: readonly [variable: string, text: string, key: K, value: Config[K]];
}[keyof Omit<Config, 'safes'>];

/** Values that a variable may have, and what becomes of them. */
export const GOOD_VALUES: readonly GoodValue[] = [
  ['NODE_NAME', 'ip-10-0-0-1.eu-west-1.compute.internal', 'node', 'ip-10-0-0-1.eu-west-1.compute.internal'],
  ['POD_NAME', 'a', 'pod', 'a'],
  ['POD_NAMESPACE', 'other', 'podNamespace', 'other'],
  ['KUBECONFIG', '/home/me/.kube/config', 'kubeconfig', '/home/me/.kube/config'],
  ['KUBERNETES_SERVICE_HOST', '10.96.0.1', 'kubernetesHost', '10.96.0.1'],
  ['KUBERNETES_SERVICE_HOST', 'fd00:10:96::1', 'kubernetesHost', 'fd00:10:96::1'],
  ['KUBERNETES_SERVICE_HOST', 'kubernetes.default.svc', 'kubernetesHost', 'kubernetes.default.svc'],
  ['KUBERNETES_SERVICE_PORT', '6443', 'kubernetesPort', '6443'],
  ['SPIFFE_ENDPOINT_SOCKET', 'unix:///run/spire.sock', 'spiffeSocket', 'unix:///run/spire.sock'],
  ['SPIFFE_ENDPOINT_SOCKET', 'tcp://127.0.0.1:8081', 'spiffeSocket', 'tcp://127.0.0.1:8081'],
  ['SPIFFE_ENDPOINT_SOCKET', 'tcp://[::1]:8081', 'spiffeSocket', 'tcp://[::1]:8081'],
  ['SPIFFE_TRUST_DOMAIN', 'other.example_1', 'trustDomain', 'other.example_1'],
  ['VSECM_SPIFFEID_PREFIX_SAFE', '^spiffe://a/[^/]+$', 'safeIdPattern', /^(?:^spiffe:\/\/a\/[^/]+$)$/],
  ['VSECM_SAFE_ENDPOINT_URL', 'https://SAFE.example:443/', 'safeUrl', 'https://safe.example'],
  ['VSECM_SAFE_ENDPOINT_URL', 'https://safe:8443/v2', 'safeUrl', 'https://safe:8443/v2'],
  ['VSECM_AGENT_ANSWER_PROOF', 'aB'.repeat(32), 'answerProof', 'ab'.repeat(32)],
  ['VSECM_AGENT_SAFE_TIMEOUT', '100ms', 'safeTimeoutMs', 100],
  ['VSECM_AGENT_SAFE_TIMEOUT', '10m', 'safeTimeoutMs', 600_000],
  ...['silent', 'fatal', 'error', 'warn', 'info', 'info', 'debug', 'trace'].map(
    (level, number) => ['VSECM_LOG_LEVEL', String(number), 'logLevel', level] as GoodValue,
  ),
  ['VSECM_LOG_LEVEL', 'DEBUG', 'logLevel', 'debug'],
  ['VSECM_LOG_LEVEL', 'silent', 'logLevel', 'silent'],
  ['VSECM_AGENT_SERVICE', '', 'service', ''],
  ['VSECM_AGENT_SERVICE', 'agents', 'service', 'agents'],
  ['VSECM_AGENT_NAMESPACES', ' team-a,team-b,, team-a ', 'namespaces', ['team-a', 'team-b']],
  ['VSECM_AGENT_MAX_OWNERS', '0', 'maxOwners', 0],
  ['VSECM_AGENT_MAX_OWNERS', '10000', 'maxOwners', 10_000],
  ['VSECM_AGENT_HANDOFF_DELAY', '0s', 'handoffDelayMs', 0],
  ['VSECM_AGENT_HANDOFF_DELAY', '1m30s', 'handoffDelayMs', 90_000],
  ['VSECM_AGENT_NAMESPACE_GRANTS', 'enforce', 'grants', 'enforce'],
  ['VSECM_AGENT_NAMESPACE_GRANTS', 'warn', 'grants', 'warn'],
  ['VSECM_AGENT_NAMESPACE_GRANTS', 'off', 'grants', 'off'],
  ['VSECM_AGENT_CACHE_BYTES', '33554432', 'cacheBytes', 33_554_432],
  ['VSECM_AGENT_RESPONSE_BYTES', '1024', 'responseBytes', 1_024],
  ['VSECM_AGENT_CONCURRENCY', '1', 'concurrency', 1],
  ['VSECM_AGENT_CONCURRENCY', '256', 'concurrency', 256],
  ['VSECM_AGENT_HTTP_PORT', '0', 'httpPort', 0],
  ['VSECM_AGENT_PAGE_PORT', '65535', 'pagePort', 65_535],
];

const spoil = (variable: string, ...texts: string[]): [string, string][] =>
  texts.map((text) => [variable, text]);

const NUMBERS = ['-1', '1.5', '1e3', '0x10', '١', ' 1', 'many', '99999999999999999999'];

/** Values that stop the start. */
export const BAD_VALUES: readonly (readonly [variable: string, text: string])[] = [
  ...spoil('NODE_NAME', 'Node-1', '-a', 'a b', 'a/b', 'a'.repeat(254)),
  ...spoil('POD_NAME', 'a_b', 'a\n'),
  ...spoil('POD_NAMESPACE', '../x', '*'),
  ...spoil('KUBECONFIG', '/a:/b'),
  ...spoil('KUBERNETES_SERVICE_HOST', 'a/b', 'a@b', 'a b', '[::1]', 'https://a'),
  ...spoil('KUBERNETES_SERVICE_PORT', '0', '65536', 'https', 'tcp://10.96.0.1:443', ...NUMBERS),
  ...spoil('SPIFFE_ENDPOINT_SOCKET', '/run/spire.sock', 'unix:run/spire.sock', 'unix:///', 'unix://a/b'),
  ...spoil('SPIFFE_ENDPOINT_SOCKET', 'tcp://spire:8081', 'tcp://127.0.0.1', 'tcp://127.0.0.1:0'),
  ...spoil('SPIFFE_ENDPOINT_SOCKET', 'tcp://999.1.1.1:80', 'tcp://[::1]:65536'),
  ...spoil('SPIFFE_TRUST_DOMAIN', 'VSecM.com', 'spiffe://vsecm.com', 'a/b', 'a:1', 'a'.repeat(256)),
  ...spoil('VSECM_SPIFFEID_PREFIX_SAFE', 'spiffe://a$', '^spiffe://a', '^(spiffe$', 'spiffe://vsecm.com/'),
  ...spoil('VSECM_SAFE_ENDPOINT_URL', 'http://safe', 'safe', 'https://', 'https://safe?x', 'https://safe#x'),
  ...spoil('VSECM_AGENT_SAFES', 'https://a', '{url: https://a}', '[', '- &a x\n- *a', 'x: : y'),
  ...spoil(
    'VSECM_AGENT_SAFES',
    JSON.stringify(Array.from({ length: 9 }, (_, i) => ({ url: `https://s${i}` }))),
  ),
  ...spoil('VSECM_AGENT_SAFE_URLS', 'https://a', ' '),
  ...spoil('VSECM_AGENT_ANSWER_PROOF', 'a'.repeat(63), 'a'.repeat(65), `${'a'.repeat(63)}g`, 'pl4ceholder'),
  ...spoil('VSECM_AGENT_SAFE_TIMEOUT', '99ms', '601s', '10', '-1s', '1d', 'soon'),
  ...spoil('VSECM_LOG_LEVEL', '8', '-1', 'verbose', '10', 'info '),
  ...spoil('VSECM_AGENT_SERVICE', 'vsecm agent', 'a/b', 'Agent'),
  ...spoil('VSECM_AGENT_NAMESPACES', 'team_a', 'a.b', 'team-a team-b', '*', 'a'.repeat(64)),
  ...spoil('VSECM_AGENT_MAX_OWNERS', '10001', ...NUMBERS),
  ...spoil('VSECM_AGENT_HANDOFF_DELAY', '3601s', '30', '-1s'),
  ...spoil('VSECM_AGENT_NAMESPACE_GRANTS', 'Enforce', 'true', 'none'),
  ...spoil('VSECM_AGENT_CACHE_BYTES', '1048575', '8589934593', '64Mi', ...NUMBERS),
  ...spoil('VSECM_AGENT_RESPONSE_BYTES', '1023', '536870913', ...NUMBERS),
  ...spoil('VSECM_AGENT_CONCURRENCY', '0', '257', ...NUMBERS),
  ...spoil('VSECM_AGENT_HTTP_PORT', '65536', 'http', ...NUMBERS.slice(0, 3)),
  ...spoil('VSECM_AGENT_PAGE_PORT', '65536', 'http', ...NUMBERS.slice(0, 3)),
];
