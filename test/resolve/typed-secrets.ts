/** A Secret of a type, and for one that is refused the key that is at fault. */
interface TypedSecret {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

const TLS = 'kubernetes.io/tls';
const DOCKER = 'kubernetes.io/dockerconfigjson';
const OLD_DOCKER = 'kubernetes.io/dockercfg';
const BASIC = 'kubernetes.io/basic-auth';
const SSH = 'kubernetes.io/ssh-auth';

/** Secrets that kube-apiserver takes. */
export const ACCEPTED: readonly TypedSecret[] = [
  { type: 'Opaque', data: {} },
  { type: 'example.com/Own_type', data: { a: 'b' } },
  { type: TLS, data: { 'tls.crt': 'no certificate', 'tls.key': '', more: 'x' } },
  { type: DOCKER, data: { '.dockerconfigjson': '{"auths":{}}' } },
  { type: DOCKER, data: { '.dockerconfigjson': ' null ' } },
  { type: DOCKER, data: { '.dockerconfigjson': `{"a":${'['.repeat(70)}${']'.repeat(70)}}` } },
  { type: OLD_DOCKER, data: { '.dockercfg': '{}' } },
  { type: BASIC, data: { username: '' } },
  { type: BASIC, data: { password: 'p' } },
  { type: SSH, data: { 'ssh-privatekey': 'no key' } },
];

/** Secrets that it refuses. */
export const REFUSED: readonly (TypedSecret & { readonly key: string })[] = [
  { type: TLS, data: { 'tls.crt': 's3cr3t' }, key: 'tls.key' },
  { type: TLS, data: { 'tls.key': 's3cr3t' }, key: 'tls.crt' },
  { type: DOCKER, data: { config: '{}' }, key: '.dockerconfigjson' },
  { type: DOCKER, data: { '.dockerconfigjson': 's3cr3t' }, key: '.dockerconfigjson' },
  { type: DOCKER, data: { '.dockerconfigjson': '["s3cr3t"]' }, key: '.dockerconfigjson' },
  { type: DOCKER, data: { '.dockerconfigjson': '' }, key: '.dockerconfigjson' },
  { type: OLD_DOCKER, data: { '.dockerconfigjson': '{}' }, key: '.dockercfg' },
  { type: OLD_DOCKER, data: { '.dockercfg': '7' }, key: '.dockercfg' },
  { type: BASIC, data: { user: 's3cr3t' }, key: 'username or password' },
  { type: SSH, data: { 'ssh-publickey': 's3cr3t' }, key: 'ssh-privatekey' },
  { type: SSH, data: { 'ssh-privatekey': '' }, key: 'ssh-privatekey' },
];
