import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedRequest } from '../devcluster/safe.ts';
import type { RequestRecord } from '../devcluster/request-record.ts';
import type { Stage } from './stage.ts';

/** What the agents have asked of the API server and of Safe since this was made. */
export class Tally {
  readonly begunAt = Date.now();
  readonly #stage: Stage;
  readonly #kube: number;
  readonly #safe: number;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#kube = stage.cluster.controls.requests.length;
    this.#safe = stage.safe.reads.length;
  }

  /** Reads that arrived at Safe. */
  get reads(): LoggedRequest[] {
    return this.#stage.safe.reads.slice(this.#safe);
  }

  /** Requests to the API server besides watches. */
  get kube(): RequestRecord[] {
    return this.#stage.cluster.controls.requests.slice(this.#kube).filter(({ verb }) => verb !== 'watch');
  }

  /** Writes of Secrets, whatever came of them. */
  get secretWrites(): RequestRecord[] {
    return this.kube.filter(({ resource, verb }) => resource === 'secrets' && WRITES.has(verb));
  }

  /** Writes of statuses of VSecMSecrets. */
  get statusWrites(): RequestRecord[] {
    return this.kube.filter(
      ({ resource, subresource }) => resource === 'vsecmsecrets' && subresource === 'status',
    );
  }
}

/** Resolves once the agents have asked the API server nothing for `ms`: what follows on a change is done. */
export async function untilStill({ cluster: { controls } }: Stage, ms: number): Promise<void> {
  const isOver = (last: number): boolean => last === controls.requests.length;
  for (let last = -1; !isOver(last);) {
    last = controls.requests.length;
    await sleep(ms);
  }
}

const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** The resource, `namespace/name`, that a request is about. */
export const keyOf = ({ namespace, name }: RequestRecord): string => `${namespace}/${name}`;

/** A request in short, for messages. */
export const brief = ({ verb, resource, subresource, namespace, name, status }: RequestRecord): string =>
  `${verb} ${resource}${subresource && `/${subresource}`} ${namespace}/${name} ${status}`;
