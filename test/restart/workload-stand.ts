import { workloadText, type Workload } from '../../agent/api/restart.ts';
import { WorkloadError, type WorkloadApi, type WorkloadRefusal } from '../../agent/restart/workload-api.ts';

/** Workloads that answer as the API server does, by hand where nothing else is said. */
export class WorkloadStand implements WorkloadApi {
  /** What was sent, in order: the workload and its new marks. */
  readonly marked: [workload: string, marks: Record<string, string>][] = [];
  looks = 0;
  consents = true;
  /** What the next requests meet, one each. */
  readonly refusals: WorkloadRefusal[] = [];
  /** Runs between look and mark. */
  meanwhile = (): void => {};
  #version = 1;

  async look(): Promise<{ resourceVersion: string; consents: boolean }> {
    this.looks += 1;
    const refusal = this.refusals.shift();
    if (refusal !== undefined && refusal !== 'stale') throw new WorkloadError(refusal, 'test');
    if (refusal === 'stale') this.refusals.unshift(refusal);
    const answer = { resourceVersion: String(this.#version), consents: this.consents };
    this.meanwhile();
    return answer;
  }

  async mark(
    _namespace: string,
    workload: Workload,
    marks: ReadonlyMap<string, string>,
    { resourceVersion, guard }: { resourceVersion: string; guard: () => boolean },
  ): Promise<void> {
    await Promise.resolve();
    if (!guard()) throw new WorkloadError('guarded', 'NotSent');
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw new WorkloadError(refusal, 'test');
    if (resourceVersion !== String(this.#version)) throw new WorkloadError('stale', 'Conflict');
    this.#version += 1;
    this.marked.push([workloadText(workload), Object.fromEntries(marks)]);
  }
}
