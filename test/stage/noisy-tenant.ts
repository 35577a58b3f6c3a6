import type { Crowd } from './crowd.ts';
import { vssPath } from './await-object.ts';
import type { Stage } from './stage.ts';

/** Patches in flight; the API server and the test want to live too. */
const AT_ONCE = 8;

/** A ref that leads nowhere for every second resource of a tenant, and the shortest interval. */
export const noisySpec = (index: number): object => ({
  refreshInterval: '10s',
  ...(index % 2 === 1 && { data: [{ key: 'password', ref: `nowhere-${index}.password` }] }),
});

/** A tenant who gives the refresh annotation of all their resources another value, over and over. */
export class NoisyTenant {
  /** How many patches there were. */
  flaps = 0;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(stage: Stage, crowd: Crowd) {
    const flap = async (): Promise<void> => {
      const [namespace = '', name = ''] = (crowd.keys[this.flaps % crowd.keys.length] ?? '').split('/');
      this.flaps += 1;
      const annotations = { 'vsecm.com/refresh': String(this.flaps) };
      await stage.cluster.admin.ok(
        'PATCH',
        vssPath(namespace, name),
        { metadata: { annotations } },
        { 'content-type': 'application/merge-patch+json' },
      );
    };
    const run = async (): Promise<void> => {
      while (!this.#stop.signal.aborted) await flap();
    };
    this.#done = Promise.all(Array.from({ length: AT_ONCE }, run));
  }

  /** Also tells of a patch that failed. */
  async rest(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
