import type { RequestRecord } from './request-record.ts';

/** Which requests: all named fields are equal, or whatever a function says. */
export type Match =
  | Partial<
      Pick<
        RequestRecord,
        'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'client' | 'apply' | 'force'
      >
    >
  | ((request: RequestRecord) => boolean);

export interface Failure {
  status: number;
  /** Of the Status object; default by status. */
  reason?: string;
  /** Seconds, as the header Retry-After. */
  retryAfter?: number;
}

/** What a rule of each kind carries. */
interface Carried {
  fail: { failure: Failure };
  delay: { ms: number };
  before: { run: (request: RequestRecord) => unknown };
  after: { run: (request: RequestRecord) => unknown };
  lose: unknown;
  cut: unknown;
  silence: unknown;
}
type Kind = keyof Carried;
type Rule<K extends Kind> = Carried[K] & { kind: K; match: Match; left: number };

/**
 * What tests may do to requests on their way to an API server. Every rule holds for `times` matching
 * requests (default: see each) or until the function that it returned is called. The administrator's
 * requests never meet any of this.
 */
export class GateControls {
  /** Everything that came through, oldest first. */
  readonly requests: RequestRecord[] = [];
  readonly #rules = new Set<Rule<Kind>>();
  readonly #waiting: { match: Match; resolve: (request: RequestRecord) => void }[] = [];

  /** Matching requests so far. */
  count(match: Match = {}): number {
    return this.requests.filter((request) => matches(match, request)).length;
  }

  /** Watches that are open now. */
  openWatches(match: Match = {}): RequestRecord[] {
    return this.requests.filter(
      (request) => request.verb === 'watch' && request.open && matches(match, request),
    );
  }

  /** The next matching request, as soon as it is answered. */
  next(match: Match): Promise<RequestRecord> {
    return new Promise((resolve) => this.#waiting.push({ match, resolve }));
  }

  /** Answers in the server's place. Default: until undone. */
  fail(match: Match, failure: Failure, times = Infinity): () => void {
    return this.#add({ kind: 'fail', match, left: times, failure });
  }

  /** Holds requests back for `ms` before they reach the server. Default: until undone. */
  delay(match: Match, ms: number, times = Infinity): () => void {
    return this.#add({ kind: 'delay', match, left: times, ms });
  }

  /** Runs something to its end before the request reaches the server. Default: once. */
  before(match: Match, run: (request: RequestRecord) => unknown, times = 1): () => void {
    return this.#add({ kind: 'before', match, left: times, run });
  }

  /** Runs something to its end after the server has acted and before its answer is delivered. Default: once. */
  after(match: Match, run: (request: RequestRecord) => unknown, times = 1): () => void {
    return this.#add({ kind: 'after', match, left: times, run });
  }

  /** The server acts, the client sees its connection break. Default: once. */
  lose(match: Match, times = 1): () => void {
    return this.#add({ kind: 'lose', match, left: times });
  }

  /** Cuts clients off: open watches and new requests see their connections break, until undone. */
  cut(match: Match): () => void {
    const undo = this.#add({ kind: 'cut', match, left: Infinity });
    this.closeWatches(match);
    return undo;
  }

  /** Watches stay open and nothing more comes through them, for good: undone, new ones speak again. */
  silence(match: Match = {}): () => void {
    for (const watch of this.openWatches(match)) this.silenced.add(watch);
    return this.#add({ kind: 'silence', match, left: Infinity });
  }

  /** Breaks the connections of open watches; with HTTP/2 all else on the same connection breaks too. */
  closeWatches(match: Match = {}): void {
    for (const watch of this.openWatches(match)) this.breakers.get(watch)?.();
  }

  /** For the gate: how to break a request's connection, and which watches are to say nothing. */
  readonly breakers = new WeakMap<RequestRecord, () => void>();
  readonly silenced = new WeakSet<RequestRecord>();

  /** For the gate: the rules of one kind that this request meets, each counted as used. */
  take<K extends Kind>(kind: K, request: RequestRecord): Rule<K>[] {
    const found = [...this.#rules].filter((rule) => rule.kind === kind && matches(rule.match, request));
    for (const rule of found) if (--rule.left <= 0) this.#rules.delete(rule);
    return found as Rule<K>[];
  }

  /** For the gate: wakes those who wait for this request. */
  answered(request: RequestRecord): void {
    for (const waiting of [...this.#waiting]) {
      if (!matches(waiting.match, request)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve(request);
    }
  }

  #add<K extends Kind>(rule: Rule<K>): () => void {
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }
}

function matches(match: Match, request: RequestRecord): boolean {
  if (typeof match === 'function') return match(request);
  return Object.entries(match).every(([field, value]) => request[field as 'verb'] === value);
}
