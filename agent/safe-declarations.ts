import { isIP } from 'node:net';
import { FAILSAFE_SCHEMA, load } from 'js-yaml';
import { parseDuration } from './api/duration.ts';
import type { DeclaredSafe } from './safe/declared-safe.ts';
import { dialOf, normaliseSafeUrl } from './safe/url.ts';
import { isTrustDomain, wholly } from './spiffe/id.ts';

/** What is said of the home Safe outside the list, and serves others as their default. */
export type HomeSafe = Pick<
  DeclaredSafe,
  'url' | 'trustDomain' | 'idPattern' | 'proof' | 'timeoutMs' | 'grants'
>;

/** A list, or a field of an entry, that cannot be used. */
export class DeclarationError extends Error {
  override readonly name = 'DeclarationError';
  /** Where in the list, such as `[1].dial`; empty: the list as a whole. */
  readonly place: string;
  readonly read: string;
  readonly wanted: string;

  constructor(place: string, read: string, wanted: string) {
    super(wanted);
    this.place = place;
    this.read = read;
    this.wanted = wanted;
  }
}

/** Each has a cache share, a floor and a page section of its own. */
const MOST_SAFES = 8;

/** Fields of an entry: what a good value looks like, and how it is read; `undefined` or an error: it is not one. */
const FIELDS = {
  url: ['an https URL without user info, query and fragment', normaliseSafeUrl],
  dial: ['an https URL without user info, query and fragment', (text) => dialOf(normaliseSafeUrl(text))],
  serverName: [
    'a host name in lower case, without a dot at its end; an IP address has none',
    (text) => (/^(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(text) && !isIP(text) ? text : undefined),
  ],
  trustDomain: [
    'lower-case letters, digits, dots, dashes, underscores',
    (text) => (isTrustDomain(text) ? text : undefined),
  ],
  spiffeID: ['a regular expression for whole SPIFFE IDs', (text) => wholly(new RegExp(text))],
  grants: ['qualified or plain', (text) => (['qualified', 'plain'] as const).find((one) => one === text)],
  as: [
    "this cluster's name in grants: letters, digits, dots, dashes, underscores",
    (text) => (/^[A-Za-z0-9._-]{1,255}$/.test(text) ? text : undefined),
  ],
  proof: [
    '64 hexadecimal digits',
    (text) => (/^[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : undefined),
  ],
  timeout: ['a duration from 100ms to 10m', (text) => between(100, 600_000, parseDuration(text))],
  floor: ['a duration from 1s to 1h', (text) => between(1_000, 3_600_000, parseDuration(text))],
} as const satisfies Record<string, readonly [wanted: string, parse: (text: string) => unknown]>;

type Field = keyof typeof FIELDS;
type Entry = { [F in Field]?: NonNullable<ReturnType<(typeof FIELDS)[F][1]>> };

const between = (least: number, most: number, ms: number): number | undefined =>
  ms >= least && ms <= most ? ms : undefined;

/**
 * The Safes of an agent: the home one, and those that the operator declares in YAML or JSON. An entry for the home
 * Safe's own URL says more of that one.
 * @throws DeclarationError
 */
export function declareSafes(text: string, home: HomeSafe): [DeclaredSafe, ...DeclaredSafe[]] {
  const entries = readList(text).map(readEntry);
  const declared = entries.map((entry, index) => declare(entry, index, home));
  const repeated = declared.findIndex(({ url }, at) => declared.findIndex((one) => one.url === url) < at);
  if (repeated >= 0)
    throw new DeclarationError(`[${repeated}].url`, entries[repeated]?.url ?? '', 'each URL once');
  const own = declared.find(({ url }) => url === home.url) ?? declare({ url: home.url }, -1, home);
  const safes = [own, ...declared.filter((safe) => safe !== own)] as const;
  for (const [index, safe] of declared.entries()) {
    for (const other of safes.slice(0, safes.indexOf(safe))) refuseDisagreement(index, safe, other);
  }
  return [
    own,
    ...safes
      .slice(1)
      .map((safe) => (safe.dial === own.dial ? { ...safe, home: true, grants: own.grants } : safe)),
  ];
}

function readList(text: string): unknown[] {
  if (text.trim() === '') return [];
  const refuse = (wanted: string): never => {
    throw new DeclarationError('', text, wanted);
  };
  let list: unknown;
  try {
    // Scalars stay as they are written, and no alias lets a few lines stand for gigabytes. What js-yaml says of a
    // text that does not parse quotes it.
    list = load(text, { schema: FAILSAFE_SCHEMA, maxAliases: 0 });
  } catch {
    return refuse('a list in YAML or JSON');
  }
  if (!Array.isArray(list)) return refuse('a list in YAML or JSON');
  return list.length > MOST_SAFES ? refuse(`at most ${MOST_SAFES} entries`) : list;
}

function readEntry(entry: unknown, index: number): Entry {
  const fields = Object.keys(FIELDS).join(', ');
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new DeclarationError(`[${index}]`, typeof entry === 'string' ? entry : '', `fields: ${fields}`);
  const read: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(entry)) {
    const place = `[${index}].${name}`;
    if (!Object.hasOwn(FIELDS, name)) throw new DeclarationError(place, name, `one of the fields ${fields}`);
    const [wanted, parse] = FIELDS[name as Field];
    read[name] = typeof text === 'string' ? quietly(() => parse(text)) : undefined;
    // Whoever sets the placeholder itself instead of its digest must not find it in a log.
    const shown = typeof text !== 'string' ? '' : name === 'proof' ? `(${text.length} characters)` : text;
    if (read[name] === undefined) throw new DeclarationError(place, shown, wanted);
  }
  if (read['url'] === undefined) throw new DeclarationError(`[${index}].url`, '', FIELDS.url[0]);
  return read;
}

function declare(entry: Entry, index: number, home: HomeSafe): DeclaredSafe {
  const { url = home.url, serverName } = entry;
  const isHome = url === home.url;
  const trustDomain = entry.trustDomain ?? home.trustDomain;
  const dial = entry.dial ?? dialOf(url);
  if (serverName !== undefined && serverName === new URL(dial).hostname)
    throw new DeclarationError(
      `[${index}].serverName`,
      serverName,
      'another name than the host that is dialled',
    );
  return {
    url,
    dial: serverName === undefined ? dial : `${dial}#${serverName}`,
    home: isHome,
    serverName,
    trustDomain,
    idPattern: entry.spiffeID ?? (trustDomain === home.trustDomain ? home.idPattern : safeOf(trustDomain)),
    grants: isHome ? home.grants : 'enforce',
    scope: {
      as: entry.as ?? home.trustDomain,
      qualified: (entry.grants ?? (isHome ? 'plain' : 'qualified')) === 'qualified',
    },
    proof: entry.proof ?? home.proof,
    timeoutMs: entry.timeout ?? home.timeoutMs,
    floorMs: entry.floor,
  };
}

/** VSecM's own Safe in a trust domain, as its chart names it. */
const safeOf = (trustDomain: string): RegExp =>
  wholly(
    new RegExp(
      `spiffe://${trustDomain.replaceAll('.', '\\.')}/workload/vsecm-safe/ns/vsecm-system/sa/vsecm-safe/n/[^/]+`,
    ),
  );

/** Two entries for one Safe must say the same of it: tenants would name the one that grants them more. */
function refuseDisagreement(index: number, safe: DeclaredSafe, other: DeclaredSafe): void {
  const place = (one: DeclaredSafe): string => one.dial.replace(/#.*$/, '');
  if (place(safe) !== place(other)) return;
  const said: Record<string, (one: DeclaredSafe) => unknown> = {
    trustDomain: ({ trustDomain }) => trustDomain,
    spiffeID: ({ idPattern }) => idPattern.source,
    grants: ({ scope }) => (scope.qualified ? 'qualified' : 'plain'),
    as: ({ scope }) => scope.as,
    proof: ({ proof }) => proof,
    ...(safe.dial === other.dial && {
      timeout: ({ timeoutMs }) => timeoutMs,
      floor: ({ floorMs }) => floorMs,
    }),
  };
  for (const [field, of] of Object.entries(said)) {
    if (of(safe) === of(other)) continue;
    const shown = (one: DeclaredSafe): string => (field === 'proof' ? '(a digest)' : String(of(one)));
    const wanted = `${shown(other)}, as for ${other.url}, which dials the same`;
    throw new DeclarationError(`[${index}].${field}`, shown(safe), wanted);
  }
}

function quietly<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
