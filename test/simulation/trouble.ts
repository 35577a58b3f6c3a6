import type { RequestInfo } from '../devcluster/request-info.ts';

/** What is wrong for a while between agents and API servers: which requests it meets, and what becomes of them. */
export interface Trouble {
  /** Absent: all. */
  verbs?: readonly RequestInfo['verb'][];
  resource?: string;
  namespace?: string;
  pod?: string;
  /** Of the requests that it fits, how many it meets; default all. */
  share?: number;
  /** How long the server thinks before it says so, milliseconds. */
  afterMs?: number;
  /**
   * A status with what belongs to it; `lost`: done, but the answer is lost with its connection; `silent`: a watch that is
   * accepted and tells nothing; `hung`: no answer ever; `refused`: nobody listens.
   */
  becomes:
    | { status: number; reason?: string; causes?: { reason: string; field: string }[]; retryAfter?: string }
    | 'lost'
    | 'silent'
    | 'hung'
    | 'refused';
}

/** The troubles of the moment. */
export class Troubles {
  readonly #now: () => number;
  #list: { trouble: Trouble; until: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(trouble: Trouble, ms: number): void {
    this.#list.push({ trouble, until: this.#now() + ms });
  }

  get any(): boolean {
    return this.#current().length > 0;
  }

  /** The trouble that meets this request. */
  meeting(pod: string, info: RequestInfo, draw: () => number): Trouble | undefined {
    return this.#current().find(
      ({ trouble: { verbs, resource, namespace, share = 1, ...who } }) =>
        (verbs === undefined || verbs.includes(info.verb)) &&
        (resource === undefined || resource === info.resource) &&
        (namespace === undefined || namespace === info.namespace) &&
        (who.pod === undefined || who.pod === pod) &&
        (share >= 1 || draw() < share),
    )?.trouble;
  }

  #current(): { trouble: Trouble; until: number }[] {
    if (this.#list.length > 0) {
      const now = this.#now();
      if (this.#list.some(({ until }) => until <= now))
        this.#list = this.#list.filter(({ until }) => until > now);
    }
    return this.#list;
  }
}
