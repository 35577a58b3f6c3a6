import type { Rule } from './rule.ts';
import { isQualifiedName } from './syntax.ts';

export const DEFAULT_SECRET_TYPE = 'Opaque';

/** Types by which whoever holds the Secret becomes somebody: a service account, or a node that joins. */
const CREDENTIAL_TYPES: readonly string[] = [
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
];

export const SECRET_TYPE_RULES: readonly Rule[] = [
  {
    message:
      'must be the type of a Secret: NAME or PREFIX/NAME, at most 63 letters, digits, -, _ and . in NAME, a lower-case DNS name as PREFIX',
    holds: isQualifiedName,
  },
  {
    message:
      'must not be kubernetes.io/service-account-token or bootstrap.kubernetes.io/token: such Secrets are credentials of the cluster itself, have the cluster make them',
    holds: (text) => !CREDENTIAL_TYPES.includes(text),
  },
];

/** What kube-apiserver (1.37) demands of a Secret by its type. */
interface Demand {
  /** Of each of these lists one key must be there. */
  readonly keys: readonly (readonly string[])[];
  /** What spec.data must hold if it is the only source. */
  readonly message: string;
}

const demand = (type: string, keys: Demand['keys'], listed: string, example: string): [string, Demand] => [
  type,
  {
    keys,
    message: `must give ${listed}, which the type ${type} demands: add {key: ${example}, ref: SECRET.PATH}, or a dataFrom that gives it`,
  },
];

export const TYPE_DEMANDS: ReadonlyMap<string, Demand> = new Map([
  demand('kubernetes.io/tls', [['tls.crt'], ['tls.key']], 'the keys tls.crt and tls.key', 'tls.crt'),
  demand(
    'kubernetes.io/dockerconfigjson',
    [['.dockerconfigjson']],
    'the key .dockerconfigjson',
    '.dockerconfigjson',
  ),
  demand('kubernetes.io/dockercfg', [['.dockercfg']], 'the key .dockercfg', '.dockercfg'),
  demand(
    'kubernetes.io/basic-auth',
    [['username', 'password']],
    'the key username or the key password',
    'username',
  ),
  demand('kubernetes.io/ssh-auth', [['ssh-privatekey']], 'the key ssh-privatekey', 'ssh-privatekey'),
]);

/** The first demand of the type that the keys do not meet, as `tls.crt` or `username or password`. */
export const missingKey = (
  type: string | undefined,
  keys: { has(key: string): boolean },
): string | undefined =>
  TYPE_DEMANDS.get(type ?? '')
    ?.keys.find((alternatives) => !alternatives.some((key) => keys.has(key)))
    ?.join(' or ');
