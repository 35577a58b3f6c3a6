import { parseDuration } from './duration.ts';
import type { Rule } from './rule.ts';

// Regular expressions are written so that RE2 (CEL) and JavaScript read them alike; the CRD repeats them.

/** https, host, optional port and path: no user info, query or fragment. */
export const SAFE_URL_PATTERN =
  "^https://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?$";
const safeUrl = new RegExp(SAFE_URL_PATTERN, 'u');

export const SAFE_URL_RULES: readonly Rule[] = [
  {
    message:
      'must be a URL such as https://HOST, https://HOST:PORT or https://HOST/PATH, without user, query and fragment: leave it out to use the default Safe of the agents',
    holds: (text) => safeUrl.test(text) && URL.canParse(text),
  },
];

/** Hours to milliseconds, at most four parts. */
export const DURATION_PATTERN = '^([0-9]{1,5}([.][0-9]{1,3})?(h|m|s|ms)){1,4}$';
const duration = new RegExp(DURATION_PATTERN, 'u');
const SHORTEST_MS = 10e3;
const LONGEST_MS = 8760 * 3600e3;

function isDuration(text: string): boolean {
  if (!duration.test(text)) return false;
  const ms = parseDuration(text);
  return ms >= SHORTEST_MS && ms <= LONGEST_MS;
}

export const REFRESH_INTERVAL_RULES: readonly Rule[] = [
  {
    message:
      'must be a duration such as 90s, 15m or 1h30m, at least 10s and at most 8760h, or 0s to refresh only on changes of the resource',
    holds: (text) => isDuration(text) || (duration.test(text) && parseDuration(text) === 0),
  },
];

export const MAX_STALENESS_RULES: readonly Rule[] = [
  {
    message:
      'must be a duration such as 90s, 15m or 1h30m, at least 10s and at most 8760h: leave it out if it does not matter how long Safe is away',
    holds: isDuration,
  },
];

/** A DNS-1123 subdomain, as Kubernetes names objects. */
export const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/u;

export const OBJECT_NAME_RULES: readonly Rule[] = [
  {
    message:
      'must be the name of a Secret: lower-case letters, digits, - and ., beginning and ending with a letter or digit',
    holds: (text) => text.length <= 253 && subdomain.test(text),
  },
];

export const SECRET_KEY_PATTERN = '^[-._a-zA-Z0-9]+$';
const secretKey = new RegExp(SECRET_KEY_PATTERN, 'u');

export const SECRET_KEY_RULES: readonly Rule[] = [
  {
    message:
      "must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' nor beginning with '..'",
    holds: (text) => secretKey.test(text) && text !== '.' && !text.startsWith('..'),
  },
];

const qualifiedPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/u;

/** Whether a text is `name` or `prefix/name` as Kubernetes wants the keys of labels and annotations. */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  const prefix = text.slice(0, Math.max(0, slash));
  const name = text.slice(slash + 1);
  return (
    (slash < 0 || (prefix.length <= 253 && subdomain.test(prefix))) &&
    name.length <= 63 &&
    qualifiedPart.test(name)
  );
}

export const METADATA_KEY_RULES: readonly Rule[] = [
  {
    message:
      'must be a key of Kubernetes metadata: NAME or PREFIX/NAME, at most 63 letters, digits, -, _ and . in NAME, a lower-case DNS name as PREFIX',
    holds: isQualifiedName,
  },
  {
    message:
      'must not be vsecm.com/* or app.kubernetes.io/managed-by: the agent sets these itself, choose another key',
    holds: (text) => !text.startsWith('vsecm.com/') && text !== 'app.kubernetes.io/managed-by',
  },
];

/** Whether a text may be the value of a Kubernetes label. */
export const isLabelValue = (text: string): boolean =>
  text === '' || (text.length <= 63 && qualifiedPart.test(text));
