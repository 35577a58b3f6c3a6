import type { Failure } from '../api/reasons.ts';
import { workloadText, type RestartStatus, type Workload } from '../api/restart.ts';
import type { Outline } from '../api/vsecmsecret.ts';
import type { Facts } from './facts.ts';
import type { View } from './view.ts';

/** What became of a restart that a resource asked for. */
export interface Restarted {
  /** The revision that the workload was last marked with in this term. */
  readonly revision: number | undefined;
  readonly failure: Failure | undefined;
}

/**
 * The revision that the Secret is to carry with the content at hand: one higher at each change of content, and nothing
 * else. `undefined`: the resource restarts nothing. `unknown`: only the Secret itself tells whether its content changes.
 */
export function revisionWith(view: View, spec: Outline): number | 'unknown' | undefined {
  if (spec.restart.length === 0) return undefined;
  const { facts, target, resource, content } = view;
  const { wrote, resolved } = facts;
  const { status } = resource;
  const told = Math.max(status.secret?.revision ?? 0, wrote?.revision ?? 0);
  const mine = wrote !== undefined && target.agentWroteAt === undefined;
  if (!content || 'failure' in content) return told;
  // What this process wrote nobody else counts: an annotation that somebody edited is put back with the rest.
  if (mine && wrote.revision !== undefined) return wrote.contents === content.contents ? told : told + 1;
  const meta = 'meta' in target ? target.meta : undefined;
  const known = Math.max(told, meta?.revision ?? 0);
  // A first write, an adoption, or the first one since the resource restarts something.
  if (known === 0) return 1;
  // A Secret made anew is no change: nobody can tell.
  if (meta?.revision === undefined) return known;
  // What differs though neither spec nor Safe has changed is an edit.
  const sameSource = resolved?.sourceUpdated !== '' && resolved?.sourceUpdated === status.sourceUpdated;
  if (sameSource && status.observedGeneration === resource.generation) return known;
  const { compared } = facts;
  const { uid, resourceVersion } = meta;
  if (
    compared?.uid !== uid ||
    compared.resourceVersion !== resourceVersion ||
    compared.print !== content.print
  )
    return 'unknown';
  return compared.differs ? known + 1 : known;
}

/** How the workloads of a resource stand to its Secret. */
export interface Restarts {
  /** What the status shall say. */
  readonly told: readonly RestartStatus[];
  /** The workloads that are behind. */
  readonly behind: readonly Workload[];
  readonly failure: Failure | undefined;
}

/**
 * Which workloads are behind the Secret. One that the status does not know counts as up to date: with its first write,
 * after an adoption, or since the resource names it, nobody has an older content from this resource.
 */
export function restartsOf(
  workloads: readonly Workload[],
  status: readonly RestartStatus[],
  restarted: ReadonlyMap<string, Restarted>,
  revision: number,
): Restarts {
  const known = new Map(status.map((one) => [workloadText(one), one.revision]));
  const told: RestartStatus[] = [];
  const behind: Workload[] = [];
  let failure: Failure | undefined;
  for (const { kind, name } of workloads) {
    const text = workloadText({ kind, name });
    const came = restarted.get(text);
    const at = Math.max(known.get(text) ?? revision, came?.revision ?? 0);
    told.push({ kind, name, revision: at });
    if (at >= revision) continue;
    behind.push({ kind, name });
    failure ??= came?.failure;
  }
  return { told, behind, failure };
}

/** Whether the status says that a restart is still to come. */
export const owesRestart = ({ secret, restarts = [] }: Facts['told']['status']): boolean =>
  restarts.some(({ revision }) => revision < (secret?.revision ?? 0));

/** Whether all these workloads have been asked to be restarted for this revision. */
export const isAsked = (
  { asked, generation }: Facts,
  workloads: readonly Workload[],
  revision: number,
): boolean =>
  asked?.generation === generation &&
  asked.revision === revision &&
  workloads.every((workload) => asked.workloads.includes(workloadText(workload)));
