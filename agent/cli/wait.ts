import type { VSecMSecret } from '../api/vsecmsecret.ts';
import { pause } from '../backoff.ts';
import { KubeError } from '../kube/error.ts';
import type { Session } from './session.ts';

/** Between two looks where a watch is refused or ends, milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/** What came of one refresh. */
export interface Refreshed {
  namespace: string;
  name: string;
  result: 'refreshed' | 'failed' | 'suspended' | 'gone' | 'refused' | 'timeout';
  /** A code of the failure vocabulary. */
  code?: string;
  message?: string;
  hint?: string;
}

interface WaitOptions {
  session: Session;
  timeoutMs: number;
  done: (one: Refreshed) => void;
}

/** Waits until the agents have handled one refresh of each of many resources. */
export class Wait {
  readonly token: string;
  readonly #expected = new Map<string, { namespace: string; name: string }>();
  #total = 0;

  constructor(token: string) {
    this.token = token;
  }

  /** How many are not done yet. */
  get size(): number {
    return this.#expected.size;
  }

  /** The resource has been asked for its refresh. */
  expect({ metadata: { namespace, name } }: VSecMSecret): void {
    this.#total += 1;
    this.#expected.set(`${namespace}/${name}`, { namespace, name });
  }

  /** Ends when all are done, or when the time is over. */
  async run(options: WaitOptions): Promise<void> {
    const { session, timeoutMs, done } = options;
    const late = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
    const signal = AbortSignal.any([session.signal, late]);
    while (this.size > 0 && !signal.aborted) await this.#look(options, signal);
    session.terminal.progress('');
    for (const one of this.#expected.values()) done({ ...one, result: 'timeout' });
  }

  /** One list, then changes for as long as the watch lasts. */
  async #look({ session, done }: WaitOptions, signal: AbortSignal): Promise<void> {
    const { cluster, clock } = session;
    const namespaces = new Set([...this.#expected.values()].map(({ namespace }) => namespace));
    const namespace = namespaces.size === 1 ? [...namespaces][0] : undefined;
    try {
      const { items, resourceVersion } = await cluster.resources(namespace);
      const there = new Set(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
      for (const item of items) this.#settle(item, done);
      for (const [key, one] of this.#expected)
        if (!there.has(key)) this.#end(key, { ...one, result: 'gone' }, done);
      this.#show(session);
      if (this.size === 0) return;
      for await (const item of cluster.changes(namespace, resourceVersion, signal)) {
        this.#settle(item, done);
        this.#show(session);
        if (this.size === 0) return;
      }
    } catch (error) {
      // A watch that is refused or ends: look again. Anything else would come again at the next list.
      if (!(error instanceof KubeError)) throw error;
    }
    if (this.size > 0) await pause(clock, LOOK_AGAIN_MS, signal);
  }

  #settle({ metadata, status }: VSecMSecret, done: (one: Refreshed) => void): void {
    const key = `${metadata.namespace}/${metadata.name}`;
    const one = this.#expected.get(key);
    if (one === undefined || status?.handledRefresh !== this.token) return;
    const { failure } = status;
    if (failure === undefined) return this.#end(key, { ...one, result: 'refreshed' }, done);
    const { code, message, hint } = failure;
    this.#end(key, { ...one, result: 'failed', code, message, hint }, done);
  }

  #end(key: string, result: Refreshed, done: (one: Refreshed) => void): void {
    this.#expected.delete(key);
    done(result);
  }

  #show({ terminal }: Session): void {
    const [first] = this.#expected.keys();
    if (first === undefined) return terminal.progress('');
    terminal.progress(`${this.#total - this.size} of ${this.#total} done, waiting for ${first} …`);
  }
}
