import { MalformedError } from './error.ts';

/** A SPIFFE ID, taken apart. */
export interface SpiffeId {
  /** As it was written: `spiffe://example.org/some/path`. */
  readonly uri: string;
  readonly trustDomain: string;
  /** Empty, or beginning with a slash. */
  readonly path: string;
}

const SCHEME = 'spiffe://';
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const LONGEST_ID = 2048;
const LONGEST_TRUST_DOMAIN = 255;

/**
 * Parses a SPIFFE ID by the SPIFFE-ID specification, as strictly as go-spiffe does: nothing is normalised,
 * nothing is percent-decoded.
 *
 * @throws MalformedError
 */
export function parseSpiffeId(text: string): SpiffeId {
  if (text.length > LONGEST_ID) throw new MalformedError('SPIFFE ID is longer than 2048 bytes');
  if (!text.startsWith(SCHEME)) throw new MalformedError('SPIFFE ID does not begin with spiffe://');
  const [trustDomain = '', ...segments] = text.slice(SCHEME.length).split('/');
  if (!isTrustDomain(trustDomain))
    throw new MalformedError(
      'trust domain of the SPIFFE ID is empty, too long or has other characters than a-z 0-9 . - _',
    );
  for (const segment of segments) {
    if (segment === '')
      throw new MalformedError('path of the SPIFFE ID has an empty segment or a trailing slash');
    if (segment === '.' || segment === '..')
      throw new MalformedError('path of the SPIFFE ID has a segment . or ..');
    if (!SEGMENT.test(segment))
      throw new MalformedError('path of the SPIFFE ID has other characters than a-z A-Z 0-9 . - _');
  }
  return { uri: text, trustDomain, path: segments.map((segment) => `/${segment}`).join('') };
}

/** Whether `text` is a trust domain's name, such as `example.org`. */
export function isTrustDomain(text: string): boolean {
  return text.length <= LONGEST_TRUST_DOMAIN && TRUST_DOMAIN.test(text);
}

/**
 * The name that VSecM gives to a workload: of `spiffe://TD/workload/NAME/ns/…` it is NAME. Undefined if the
 * path begins with anything but `/workload/`.
 */
export function workloadName(id: SpiffeId): string | undefined {
  const [, first, name] = id.path.split('/');
  return first === 'workload' ? name : undefined;
}

/** The pattern, matching only a whole SPIFFE ID; flags that keep state or move the anchors are dropped. */
export const wholly = (pattern: RegExp): RegExp =>
  new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gmy]/g, ''));
