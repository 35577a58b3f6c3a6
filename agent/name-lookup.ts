import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Clock } from './clock.ts';

export interface NameLookupOptions {
  clock: Pick<Clock, 'after'>;
  /** Default /etc/hosts and /etc/resolv.conf, read at each look-up as the C library does. */
  hostsFile?: string;
  resolvFile?: string;
}

/**
 * As this machine looks names up, for programs that people start: VPNs and the like are no matter of two files. Cannot
 * be given up.
 */
export const machineNames: Pick<NameLookup, 'addresses'> = {
  async addresses(host) {
    const name = host.replace(/^\[(.*)\]$/, '$1');
    return inTurns((await lookup(name, { all: true })).map(({ address }) => address));
  },
};

/** What a resolv.conf says, as far as it decides which names are asked for, and where. */
interface ResolvConf {
  servers: string[];
  search: string[];
  ndots: number;
}

/** How long the addresses of one family wait for those of the other (RFC 8305, section 3). */
const RESOLUTION_DELAY_MS = 50;
/** For one query to one server. The caller's signal ends all of them. */
const QUERY = { timeout: 2_000, tries: 4 };
const ABSENT: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * Finds the addresses of a host as the C library of a pod does (hosts file, then DNS with search list and ndots),
 * with look-ups that can be given up. `getaddrinfo`, which Node uses by default, cannot: it holds one of the few
 * threads that all share until it ends by itself, so that a few names that hang stop every other look-up.
 */
export class NameLookup {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #hostsFile: string;
  readonly #resolvFile: string;

  constructor({ clock, hostsFile = '/etc/hosts', resolvFile = '/etc/resolv.conf' }: NameLookupOptions) {
    this.#clock = clock;
    this.#hostsFile = hostsFile;
    this.#resolvFile = resolvFile;
  }

  /**
   * All addresses of `host`, in the order in which they are to be tried: the families take turns, IPv6 first.
   * @param host as in a URL; an address stands for itself, with or without brackets
   * @throws Error with a code such as ENOTFOUND, ETIMEOUT or ESERVFAIL; the signal's reason
   */
  async addresses(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
    if (isIP(name) !== 0) return [name];
    const files = await this.#files();
    signal.throwIfAborted();
    // Not for this process to read, or not there: not a pod of ours.
    if (files === undefined) return (await lookup(name, { all: true })).map(({ address }) => address);
    const listed = inHosts(files.hosts, name.replace(/\.$/, ''));
    return listed.length > 0 ? inTurns(listed) : this.#ask(name, parseResolvConf(files.resolv), signal);
  }

  async #files(): Promise<{ hosts: string; resolv: string } | undefined> {
    try {
      const read = (path: string): Promise<string> => readFile(path, 'utf8');
      const [hosts, resolv] = await Promise.all([read(this.#hostsFile), read(this.#resolvFile)]);
      return { hosts, resolv };
    } catch {
      return undefined;
    }
  }

  async #ask(name: string, conf: ResolvConf, signal: AbortSignal): Promise<readonly string[]> {
    const resolver = new Resolver(QUERY);
    if (conf.servers.length > 0) resolver.setServers(conf.servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    let failure: unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    try {
      for (const candidate of candidates(name, conf)) {
        try {
          return await this.#both(resolver, candidate);
        } catch (error) {
          signal.throwIfAborted();
          // As the C library: what is absent under one suffix may be there under the next.
          if (!ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) failure = error;
        }
      }
      throw failure;
    } finally {
      signal.removeEventListener('abort', cancel);
      resolver.cancel();
    }
  }

  /** Both families at once. One that is not answered does not hold up the other for long. */
  async #both(resolver: Resolver, name: string): Promise<readonly string[]> {
    const six = resolver.resolve6(name);
    const four = resolver.resolve4(name);
    const quietly = (query: Promise<string[]>): Promise<string[]> => query.catch(() => []);
    const found: string[] = [];
    const note = (addresses: string[]): string[] => {
      found.push(...addresses);
      return addresses;
    };
    const all = Promise.all([quietly(six).then(note), quietly(four).then(note)]);
    await Promise.any([six, four]).catch(() => undefined);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancelDelay = this.#clock.after(RESOLUTION_DELAY_MS, resolve);
    await Promise.race([all, late]);
    cancelDelay();
    if (found.length > 0) return inTurns(found);
    // Neither family has an address, or the one that has none came first: all that is left decides.
    await all;
    if (found.length > 0) return inTurns(found);
    const outcomes = await Promise.allSettled([six, four]);
    const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    throw errors.find(({ code }) => !ABSENT.has(code)) ?? errors[0];
  }
}

/** The names that are asked for, in order. */
function candidates(name: string, { search, ndots }: ResolvConf): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const suffixed = search.map((suffix) => `${name}.${suffix}`);
  return name.split('.').length > ndots ? [name, ...suffixed] : [...suffixed, name];
}

function inHosts(text: string, name: string): string[] {
  const listed = linesOf(text).flatMap(([address = '', ...names]) =>
    isIP(address) !== 0 && names.some((one) => one.toLowerCase() === name) ? [address] : [],
  );
  return listed.length === 0 && name === 'localhost' ? ['127.0.0.1', '::1'] : [...new Set(listed)];
}

function parseResolvConf(text: string): ResolvConf {
  const conf: ResolvConf = { servers: [], search: [], ndots: 1 };
  for (const [keyword, ...values] of linesOf(text)) {
    if (keyword === 'nameserver')
      conf.servers.push(...values.slice(0, 1).map((server) => server.replace(/%.*$/, '')));
    // The last of the two lines counts.
    if (keyword === 'search' || keyword === 'domain')
      conf.search = values.map((suffix) => suffix.replace(/\.$/, '')).filter((suffix) => suffix !== '');
    for (const option of keyword === 'options' ? values : []) {
      const ndots = /^ndots:([0-9]{1,2})$/.exec(option)?.[1];
      if (ndots !== undefined) conf.ndots = Number(ndots);
    }
  }
  return conf;
}

const linesOf = (text: string): string[][] =>
  text
    .split('\n')
    .map((line) => line.replace(/[#;].*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));

/** IPv6 and IPv4 in turns (RFC 8305, section 4). */
function inTurns(addresses: readonly string[]): string[] {
  const six = addresses.filter((address) => isIP(address) === 6);
  const four = addresses.filter((address) => isIP(address) === 4);
  return Array.from({ length: Math.max(six.length, four.length) }, (_, index) => [six[index], four[index]])
    .flat()
    .filter((address) => address !== undefined);
}
