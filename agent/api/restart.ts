import type { Field } from './field.ts';
import { subdomain } from './syntax.ts';
import type { Rule } from './rule.ts';

/** What has a pod template whose change replaces the pods. */
export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** A workload in the namespace of the resource, to be restarted when the content of the Secret changes. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly name: string;
}

/** A workload in the status, and the revision of the Secret that its pods were last restarted for. */
export interface RestartStatus extends Workload {
  readonly revision: number;
}

/** Annotation by which whoever may write a workload lets the agent restart it. */
export const RESTART_ANNOTATION = 'vsecm.com/allow-restart';
/** Annotation of a Secret that says how often its content changed. */
export const REVISION_ANNOTATION = 'vsecm.com/revision';

const MAX_RESTARTS = 16;

export const WORKLOAD_NAME_RULES: readonly Rule[] = [
  {
    message:
      'must be the name of a workload: lower-case letters, digits, - and ., beginning and ending with a letter or digit',
    holds: (text) => text.length <= 253 && subdomain.test(text),
  },
];

/** `kind/name`, as it stands on command lines. */
export const workloadText = ({ kind, name }: Workload): string => `${kind.toLowerCase()}/${name}`;

/** One for all that restart nothing. */
const NONE: readonly Workload[] = [];

export function parseRestart(field: Field): readonly Workload[] {
  if (!field.present) return NONE;
  const seen = new Set<string>();
  return field.items(MAX_RESTARTS).map((item) => {
    const { kind, name } = item.members(['kind', 'name']);
    const workload = { kind: kind.oneOf(WORKLOAD_KINDS), name: name.text(253, WORKLOAD_NAME_RULES) };
    const text = workloadText(workload);
    if (seen.has(text)) item.fail(`must not be ${text} a second time: give it once`);
    seen.add(text);
    return workload;
  });
}
