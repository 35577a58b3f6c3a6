import { isIP } from 'node:net';

/** Asked where the URL names no path of its own. */
const DEFAULT_PATH = '/workload/v1/secrets';
/** The URL parser lets through what no name has, such as the `=` of a mapping that was mistyped. */
const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/;

/**
 * The one spelling of a Safe's URL: lower-case host, no default port, a path of `/` counts as none.
 * @throws Error that says what is wrong, without quoting the URL: one with user info would hold a password.
 */
export function normaliseSafeUrl(text: string): string {
  // The URL parser takes a backslash for a slash and drops tabs and newlines: such text means to deceive.
  if (/[\s\\\p{Cc}]/u.test(text)) throw new Error('holds a space, a backslash or a control character');
  if (!/^https:\/\/[^/]/i.test(text)) throw new Error('does not begin with https:// and a host');
  if (/[?#]/.test(text)) throw new Error('has a query or a fragment');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('is not a URL');
  }
  if (/^https:\/\/[^/]*@/i.test(text)) throw new Error('has user info');
  if (!HOST.test(url.hostname)) throw new Error('has a host that is neither a name nor an address');
  return url.origin + (url.pathname === '/' ? '' : url.pathname);
}

/** The full URL that is asked: without a path of its own, it is the one of Safe's API. */
export const dialOf = (normalised: string): string =>
  new URL(normalised).pathname === '/' ? normalised + DEFAULT_PATH : normalised;

/**
 * What TLS is told of a host that is dialled, empty for an address. A dot at the end is DNS's, and no part of the name
 * in TLS: Go's servers refuse it.
 */
export function serverNameOf(hostname: string): string {
  const name = hostname.replace(/\.$/, '');
  return isIP(name) !== 0 || name.startsWith('[') ? '' : name;
}
