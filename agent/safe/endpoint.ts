/** Asked where the URL names no path of its own. */
const DEFAULT_PATH = '/workload/v1/secrets';
const MOST_URLS = 8;
/** The URL parser lets through what no name has, such as the `=` of a mapping that was mistyped. */
const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/;

/** A Safe that resources may name, and where it is asked. */
export interface AllowedUrl {
  /** Normalised, as resources name it. */
  readonly url: string;
  /** The full URL that is asked, with its path. */
  readonly dial: string;
}

export type SafeEndpoint = AllowedUrl;

/** The Safes of this agent: the default one, and those that the operator allowed besides. */
export class SafeEndpoints {
  readonly #default: string;
  readonly #byUrl: ReadonlyMap<string, SafeEndpoint>;

  /**
   * @param options.defaultUrl serves the resources that name none, and those that name it
   * @param options.allowed an entry for the default's own URL decides where that one is asked
   */
  constructor(options: { defaultUrl: string; allowed: readonly AllowedUrl[] }) {
    this.#default = normaliseSafeUrl(options.defaultUrl);
    const own = { url: this.#default, dial: dialOf(this.#default) };
    this.#byUrl = new Map([own, ...options.allowed].map((one) => [one.url, one]));
  }

  /** Where a resource's Safe is asked; `undefined` if its URL is none or is not allowed. */
  resolve(url: string | undefined): SafeEndpoint | undefined {
    if (url === undefined) return this.#byUrl.get(this.#default);
    try {
      return this.#byUrl.get(normaliseSafeUrl(url));
    } catch {
      return undefined;
    }
  }
}

/**
 * Reads at most eight URLs separated by spaces, each `URL` or `URL=DIAL_URL` (split at the last `=https://`).
 * @throws Error that names the entry by its place and says what is wrong with it, without quoting it.
 */
export function parseSafeUrls(text: string): AllowedUrl[] {
  const entries = text.split(/\s+/).filter((entry) => entry !== '');
  if (entries.length > MOST_URLS) throw new Error(`more than ${MOST_URLS} URLs`);
  const allowed = entries.map((entry, index) => {
    try {
      const split = entry.lastIndexOf('=https://');
      const url = normaliseSafeUrl(split < 0 ? entry : entry.slice(0, split));
      return { url, dial: dialOf(split < 0 ? url : normaliseSafeUrl(entry.slice(split + 1))) };
    } catch (error) {
      throw new Error(`URL ${index + 1} ${(error as Error).message}`);
    }
  });
  const repeated = allowed.findIndex(
    ({ url }, index) => allowed.findIndex((other) => other.url === url) < index,
  );
  if (repeated >= 0) throw new Error(`URL ${repeated + 1} is there twice`);
  return allowed;
}

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

const dialOf = (normalised: string): string =>
  new URL(normalised).pathname === '/' ? normalised + DEFAULT_PATH : normalised;
