import { RESTART_ANNOTATION, type Workload } from '../api/restart.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/error.ts';
import { METADATA } from '../kube/media-type.ts';

/** What a restart has to know of a workload. */
export interface WorkloadMeta {
  readonly resourceVersion: string;
  /** Whoever may write it lets the agent restart it. */
  readonly consents: boolean;
}

/** Why the API server did not do what was asked about a workload. `guarded`: it was not asked. */
export type WorkloadRefusal = 'missing' | 'forbidden' | 'stale' | 'invalid' | 'unavailable' | 'guarded';

export class WorkloadError extends Error {
  override readonly name = 'WorkloadError';
  readonly refusal: WorkloadRefusal;
  /** A system's code or the server's reason, for the log. */
  readonly reason: string;

  constructor(refusal: WorkloadRefusal, reason: string) {
    super(`the API server refused: ${refusal}`);
    this.refusal = refusal;
    this.reason = reason;
  }
}

/** What restarts need of the API server: one workload at a time, metadata only. */
export interface WorkloadApi {
  /** @throws WorkloadError */
  look(namespace: string, workload: Workload): Promise<WorkloadMeta>;
  /**
   * Sets annotations of the pod template, of exactly this version of the workload.
   * @param guard asked right before the bytes leave
   * @throws WorkloadError
   */
  mark(
    namespace: string,
    workload: Workload,
    marks: ReadonlyMap<string, string>,
    options: { resourceVersion: string; guard: () => boolean },
  ): Promise<void>;
}

const PLURALS = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' } as const;
const MERGE = 'application/merge-patch+json';

const pathOf = (namespace: string, { kind, name }: Workload): string =>
  `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${PLURALS[kind]}/${encodeURIComponent(name)}`;

/**
 * A merge patch. By server-side apply the marks of two Secrets on one workload would take each other off, a rollout
 * each time: an applier owns all that it names, and gives back what it names no more.
 */
export const markBody = (marks: ReadonlyMap<string, string>, resourceVersion: string): object => ({
  metadata: { resourceVersion },
  spec: { template: { metadata: { annotations: Object.fromEntries(marks) } } },
});

/** Workloads on the API server. */
export function workloadApi(client: KubeClient, fieldManager: string): WorkloadApi {
  return {
    async look(namespace, workload) {
      try {
        const { metadata } = await client.request<{
          metadata?: { resourceVersion?: string; annotations?: Record<string, string> };
        }>({ method: 'GET', path: pathOf(namespace, workload), accept: METADATA });
        if (!metadata?.resourceVersion) throw new WorkloadError('unavailable', 'Malformed');
        const { resourceVersion, annotations = {} } = metadata;
        return { resourceVersion, consents: annotations[RESTART_ANNOTATION] === 'true' };
      } catch (error) {
        throw refusalOf(error);
      }
    },
    async mark(namespace, workload, marks, { resourceVersion, guard }) {
      try {
        await client.request({
          method: 'PATCH',
          path: pathOf(namespace, workload),
          query: { fieldManager },
          body: markBody(marks, resourceVersion),
          contentType: MERGE,
          accept: METADATA,
          mayLeave: guard,
        });
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}

/** Tells the answers apart by status and code, never by the message, which quotes the workload. */
function refusalOf(error: unknown): WorkloadError {
  if (error instanceof WorkloadError) return error;
  if (!(error instanceof KubeError)) throw error;
  const { status, code, reason } = error;
  const why = code ?? (reason || String(status));
  if (code === 'NotSent') return new WorkloadError('guarded', why);
  if (status === 404) return new WorkloadError('missing', why);
  if (status === 409) return new WorkloadError('stale', why);
  if (status === 403) return new WorkloadError('forbidden', why);
  if (status === 400 || status === 422) return new WorkloadError('invalid', why);
  return new WorkloadError('unavailable', why);
}
