import { LOG_LEVELS, type LogLevel } from './log.ts';
import { parseDuration } from './api/duration.ts';
import { declareSafes, DeclarationError, type HomeSafe } from './safe-declarations.ts';
import type { DeclaredSafe } from './safe/declared-safe.ts';
import { normaliseSafeUrl } from './safe/url.ts';
import { wholly } from './spiffe/id.ts';
import { parseSocketAddress } from './spiffe/socket-address.ts';

/** Everything that the environment decides, validated and frozen. Durations are milliseconds, sizes bytes. */
export interface Config {
  readonly node: string;
  readonly pod: string;
  readonly podNamespace: string;
  /** Path of a kubeconfig; absent: in-cluster. */
  readonly kubeconfig: string | undefined;
  /** Where Kubernetes says that its API server is; absent outside a pod. */
  readonly kubernetesHost: string | undefined;
  readonly kubernetesPort: string | undefined;
  readonly spiffeSocket: string;
  readonly trustDomain: string;
  /** The SPIFFE IDs that Safe may have. */
  readonly safeIdPattern: RegExp;
  readonly safeUrl: string;
  /** The home Safe first. */
  readonly safes: readonly [DeclaredSafe, ...DeclaredSafe[]];
  readonly answerProof: string | undefined;
  readonly safeTimeoutMs: number;
  readonly logLevel: LogLevel;
  readonly service: string;
  readonly namespaces: readonly string[];
  readonly maxOwners: number;
  readonly handoffDelayMs: number;
  readonly grants: 'enforce' | 'warn' | 'off';
  readonly cacheBytes: number;
  readonly responseBytes: number;
  readonly concurrency: number;
  readonly httpPort: number;
  readonly pagePort: number;
}

/** A variable that cannot be used: its name, what was read, what is wanted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly variable: string;

  /** @param place where in the variable's value */
  constructor(variable: string, read: string, wanted: string, place = '') {
    // A URL with user info holds a password, and this goes to the log of whoever collects stderr.
    const shown = read.replaceAll(/:\/\/[^/\s]*@/g, '://***@');
    super(`${variable}${place}: read ${JSON.stringify(shown)}, wanted ${wanted}`);
    this.variable = variable;
  }
}

interface Variable<T> {
  name: string;
  /** Used when the variable is unset or empty; absent: the variable must be set. */
  fallback?: string;
  meaning: string;
  /** What a good value looks like, for the error. */
  wanted: string;
  /** What is read is not repeated: people may set a secret by mistake. */
  hidden?: boolean;
  /** Throws, or gives `undefined`, if the text is not as wanted. */
  parse: (text: string) => T | undefined;
}

const MIB = 1024 * 1024;
const integer =
  (least: number, most: number) =>
  (value: string): number | undefined =>
    /^[0-9]{1,15}$/.test(value) && Number(value) >= least && Number(value) <= most
      ? Number(value)
      : undefined;
const matching =
  (pattern: RegExp) =>
  (value: string): string | undefined =>
    pattern.test(value) ? value : undefined;
const duration =
  (leastMs: number, mostMs: number) =>
  (value: string): number | undefined => {
    const ms = parseDuration(value);
    return ms >= leastMs && ms <= mostMs ? ms : undefined;
  };

const NAME = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
/** VSecM's numbers (0 off to 7 trace; 5 is its audit level) beside the names. */
const VSECM_LEVELS: readonly LogLevel[] = [
  'silent',
  'fatal',
  'error',
  'warn',
  'info',
  'info',
  'debug',
  'trace',
];

function logLevel(value: string): LogLevel | undefined {
  if (/^[0-7]$/.test(value)) return VSECM_LEVELS[Number(value)];
  return LOG_LEVELS.find((level) => level === value.toLowerCase());
}

function pattern(value: string): RegExp | undefined {
  // Without both anchors it would seem to match inside a longer ID; with them, `^a|b$` still would.
  return value.startsWith('^') && value.endsWith('$') ? wholly(new RegExp(value)) : undefined;
}

function socket(value: string): string {
  parseSocketAddress(value);
  return value;
}

function namespaceList(value: string): readonly string[] | undefined {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.every((name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    ? [...new Set(names)]
    : undefined;
}

const VARIABLES = {
  node: {
    name: 'NODE_NAME',
    meaning: 'this node, from the downward API',
    wanted: 'the name of a node',
    parse: matching(NAME),
  },
  pod: {
    name: 'POD_NAME',
    meaning: 'this pod, from the downward API',
    wanted: 'the name of a pod',
    parse: matching(NAME),
  },
  podNamespace: {
    name: 'POD_NAMESPACE',
    meaning: "this pod's namespace, from the downward API",
    wanted: 'the name of a namespace',
    parse: matching(NAME),
  },
  kubeconfig: {
    name: 'KUBECONFIG',
    fallback: '',
    meaning: 'path of a kubeconfig; empty: in-cluster',
    wanted: 'one path',
    parse: (value: string) => (value.includes(':') ? undefined : value),
  },
  kubernetesHost: {
    name: 'KUBERNETES_SERVICE_HOST',
    fallback: '',
    meaning: 'the API server for a pod, set by Kubernetes',
    wanted: 'a host name or an IP address',
    parse: matching(/^[-.a-zA-Z0-9]*$|^[0-9a-fA-F:.]+$/),
  },
  kubernetesPort: {
    name: 'KUBERNETES_SERVICE_PORT',
    fallback: '',
    meaning: 'its port, set by Kubernetes',
    wanted: 'a port from 1 to 65535',
    parse: (value: string) => (value === '' || integer(1, 65_535)(value) !== undefined ? value : undefined),
  },
  spiffeSocket: {
    name: 'SPIFFE_ENDPOINT_SOCKET',
    fallback: 'unix:///spire-agent-socket/spire-agent.sock',
    meaning: "the node's SPIRE Workload API",
    wanted: 'unix:///absolute/path or tcp://IP:PORT',
    parse: socket,
  },
  trustDomain: {
    name: 'SPIFFE_TRUST_DOMAIN',
    fallback: 'vsecm.com',
    meaning: 'the trust domain of agent and Safe',
    wanted: 'lower-case letters, digits, dots, dashes, underscores',
    parse: matching(/^[a-z0-9._-]{1,255}$/),
  },
  safeIdPattern: {
    name: 'VSECM_SPIFFEID_PREFIX_SAFE',
    fallback: '^spiffe://vsecm.com/workload/vsecm-safe/ns/vsecm-system/sa/vsecm-safe/n/[^/]+$',
    meaning: 'the SPIFFE IDs that Safe may have',
    wanted: 'a regular expression from ^ to $',
    parse: pattern,
  },
  safeUrl: {
    name: 'VSECM_SAFE_ENDPOINT_URL',
    fallback: 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443/',
    meaning: 'the Safe of resources that name none',
    wanted: 'one https URL without user info, query and fragment',
    parse: normaliseSafeUrl,
  },
  safes: {
    name: 'VSECM_AGENT_SAFES',
    fallback: '',
    meaning: 'the Safes that resources may name besides: a list in YAML or JSON, at most 8',
    wanted: 'a list in YAML or JSON',
    // Read once its defaults are known.
    parse: (value: string) => value,
  },
  answerProof: {
    name: 'VSECM_AGENT_ANSWER_PROOF',
    fallback: '',
    meaning:
      "SHA-256 of the placeholder's value: proves that a list of secrets is Safe's; empty: not asked for",
    wanted: '64 hexadecimal digits',
    hidden: true,
    parse: (value: string) => (/^(?:[0-9a-fA-F]{64})?$/.test(value) ? value.toLowerCase() : undefined),
  },
  safeTimeoutMs: {
    name: 'VSECM_AGENT_SAFE_TIMEOUT',
    fallback: '10s',
    meaning: 'one request to Safe, from connect to last byte',
    wanted: 'a duration from 100ms to 10m',
    parse: duration(100, 600_000),
  },
  logLevel: {
    name: 'VSECM_LOG_LEVEL',
    fallback: 'info',
    meaning: "VSecM's numbers (0 off, 3 warn, 4 info, 6 debug, 7 trace) or names",
    wanted: `0 to 7 or one of ${LOG_LEVELS.join(', ')}`,
    parse: logLevel,
  },
  service: {
    name: 'VSECM_AGENT_SERVICE',
    fallback: 'vsecm-agent',
    emptyIsValue: true,
    meaning: 'the headless Service whose endpoints share the work; set but empty: alone',
    wanted: 'the name of a Service',
    parse: (value: string) => (value === '' || NAME.test(value) ? value : undefined),
  },
  namespaces: {
    name: 'VSECM_AGENT_NAMESPACES',
    fallback: '',
    meaning: 'comma-separated: watch and serve only these; empty: all',
    wanted: 'names of namespaces, comma-separated',
    parse: namespaceList,
  },
  maxOwners: {
    name: 'VSECM_AGENT_MAX_OWNERS',
    fallback: '16',
    meaning: 'agents that own namespaces at a time; 0: no limit',
    wanted: 'a whole number from 0 to 10000',
    parse: integer(0, 10_000),
  },
  handoffDelayMs: {
    name: 'VSECM_AGENT_HANDOFF_DELAY',
    fallback: '30s',
    meaning: 'how long an agent that vanished keeps its namespaces',
    wanted: 'a duration from 0s to 1h',
    parse: duration(0, 3_600_000),
  },
  grants: {
    name: 'VSECM_AGENT_NAMESPACE_GRANTS',
    fallback: 'enforce',
    meaning: "whether a secret's namespaces in Safe bind: enforce, warn, off",
    wanted: 'enforce, warn or off',
    parse: (value: string) => (['enforce', 'warn', 'off'] as const).find((mode) => mode === value),
  },
  cacheBytes: {
    name: 'VSECM_AGENT_CACHE_BYTES',
    fallback: String(64 * MIB),
    meaning: "bytes of Safe's answers held in memory",
    wanted: 'a whole number from 1048576 to 8589934592',
    parse: integer(MIB, 8192 * MIB),
  },
  responseBytes: {
    name: 'VSECM_AGENT_RESPONSE_BYTES',
    fallback: String(32 * MIB),
    meaning: 'the largest answer of Safe that is read',
    wanted: 'a whole number from 1024 to 536870912',
    parse: integer(1024, 512 * MIB),
  },
  concurrency: {
    name: 'VSECM_AGENT_CONCURRENCY',
    fallback: '16',
    meaning: 'Kubernetes writes in flight',
    wanted: 'a whole number from 1 to 256',
    parse: integer(1, 256),
  },
  httpPort: {
    name: 'VSECM_AGENT_HTTP_PORT',
    fallback: '9464',
    meaning: "health and metrics on the pod's address",
    wanted: 'a port from 0 to 65535',
    parse: integer(0, 65_535),
  },
  pagePort: {
    name: 'VSECM_AGENT_PAGE_PORT',
    fallback: '9465',
    meaning: "this node's page, on loopback only",
    wanted: 'a port from 0 to 65535',
    parse: integer(0, 65_535),
  },
} satisfies Record<keyof Config, Variable<unknown> & { emptyIsValue?: boolean }>;

/**
 * Reads the agent's environment.
 * @throws ConfigError for the first variable that is missing or does not parse.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== undefined) {
    // Node then verifies neither chain nor identity of any peer, without a word.
    throw new ConfigError(
      'NODE_TLS_REJECT_UNAUTHORIZED',
      env['NODE_TLS_REJECT_UNAUTHORIZED'],
      'this variable unset',
    );
  }
  if (env[REPLACED] !== undefined && env[REPLACED] !== '') {
    const instead = `${VARIABLES.safes.name} instead, a list such as [{url: https://safe.example, dial: https://10.0.0.7:8443}]`;
    throw new ConfigError(REPLACED, env[REPLACED], instead);
  }
  const config = Object.fromEntries(
    Object.entries(VARIABLES).map(([key, variable]) => [key, read(variable, env)]),
  );
  for (const key of ['kubeconfig', 'kubernetesHost', 'kubernetesPort', 'answerProof'])
    if (config[key] === '') config[key] = undefined;
  config['safes'] = safesOf(config as unknown as Config & { safes: string });
  if ((config['cacheBytes'] as number) < (config['responseBytes'] as number)) {
    // An answer that is never kept would be asked for again by every resource that is woken for it.
    throw new ConfigError(
      VARIABLES.cacheBytes.name,
      String(config['cacheBytes']),
      `at least ${VARIABLES.responseBytes.name}, which is ${String(config['responseBytes'])}`,
    );
  }
  return Object.freeze(config) as unknown as Config;
}

/** What a kubeconfig's command inherits, as from kubectl. */
export const inheritedEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;

/** What was called so held `URL` or `URL=DIAL_URL`, and could say nothing of trust domains or grants. */
const REPLACED = 'VSECM_AGENT_SAFE_URLS';

function safesOf(config: Omit<Config, 'safes'> & { safes: string }): Config['safes'] {
  const { safeUrl: url, trustDomain, safeIdPattern, answerProof, safeTimeoutMs, grants } = config;
  const home: HomeSafe = {
    url,
    trustDomain,
    idPattern: safeIdPattern,
    proof: answerProof,
    timeoutMs: safeTimeoutMs,
    grants,
  };
  try {
    return declareSafes(config.safes, home);
  } catch (error) {
    if (!(error instanceof DeclarationError)) throw error;
    throw new ConfigError(VARIABLES.safes.name, error.read, error.wanted, error.place);
  }
}

function read(
  variable: Variable<unknown> & { emptyIsValue?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): unknown {
  const given = env[variable.name];
  const unset = given === undefined || (given === '' && variable.emptyIsValue !== true);
  const value = unset ? variable.fallback : given;
  if (value === undefined)
    throw new ConfigError(variable.name, '', `${variable.wanted} (${variable.meaning})`);
  let parsed: unknown;
  try {
    parsed = variable.parse(value);
  } catch {
    parsed = undefined;
  }
  const shown = variable.hidden === true ? `(${value.length} characters)` : value;
  if (parsed === undefined) throw new ConfigError(variable.name, shown, variable.wanted);
  return parsed;
}

/** The table of variables as `--help` prints it. */
export function describeConfig(): string {
  const rows = Object.values(VARIABLES as Record<string, Variable<unknown>>).map((v) => [
    v.name,
    v.fallback === undefined ? '(required)' : v.fallback === '' ? '(empty)' : v.fallback,
    v.meaning,
  ]);
  return rows
    .map(([name, fallback, meaning]) => `  ${name}\n      ${meaning}\n      default: ${fallback}`)
    .join('\n');
}
