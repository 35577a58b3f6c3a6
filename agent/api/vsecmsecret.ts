import { parseDuration } from './duration.ts';
import { Field } from './field.ts';
import type { Code, Stage } from './reasons.ts';
import { parseRef, PUBLIC_REF_RULES, REF_MAX_LENGTH, REF_RULES, type Ref } from './ref.ts';
import type { Rule } from './rule.ts';
import {
  METADATA_KEY_RULES,
  OBJECT_NAME_RULES,
  REFRESH_INTERVAL_RULES,
  SAFE_URL_RULES,
  SECRET_KEY_RULES,
} from './syntax.ts';

export const GROUP = 'vsecm.com';
export const VERSION = 'v1alpha1';
export const KIND = 'VSecMSecret';
export const PLURAL = 'vsecmsecrets';

/** Any change of its value on a VSecMSecret asks for a refresh now. */
export const REFRESH_ANNOTATION = 'vsecm.com/refresh';

/** One key of the Secret, or one label or annotation, and where its value comes from. */
export interface Entry {
  readonly key: string;
  readonly ref: Ref;
}

/** What a VSecMSecret asks for, checked and with its defaults filled in. */
export interface Spec {
  /** As written in the resource; absent: the agent's default Safe. */
  readonly safeURL?: string;
  readonly secretType: 'k8s';
  /** 0: only when the resource changes or a refresh is asked for. */
  readonly refreshIntervalMs: number;
  readonly target: { readonly name: string };
  readonly data: readonly Entry[];
  readonly labels: readonly Entry[];
  readonly annotations: readonly Entry[];
}

/** `metav1.Condition`. Times are RFC 3339. */
export interface Condition {
  type: 'Ready' | 'Fresh' | 'Stalled';
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** The status as the CRD describes it. Times are RFC 3339. */
export interface VSecMSecretStatus {
  /** The CRD's default is -1: nothing observed yet. */
  observedGeneration?: number;
  conditions?: Condition[];
  secret?: { name: string; resourceVersion: string };
  lastSyncTime?: string;
  sourceUpdated?: string;
  node?: string;
  handledRefresh?: string;
  failure?: { stage: Stage; code: Code; message: string; hint: string; since: string };
}

/** A VSecMSecret as it comes from the API server: what the agent reads of it, the spec still to be parsed. */
export interface VSecMSecret {
  apiVersion: `${typeof GROUP}/${typeof VERSION}`;
  kind: typeof KIND;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    annotations?: Record<string, string>;
  };
  spec: unknown;
  status?: VSecMSecretStatus;
}

const MAX_DATA = 256;
const MAX_METADATA = 64;
const DEFAULT_REFRESH_INTERVAL = '1h';

/**
 * The spec of a VSecMSecret that nothing is known about. At least as strict as the CRD, which may be
 * another version's or not in force; throws `InvalidSpec`, naming the field and the remedy.
 */
export function parseSpec(resource: unknown): Spec {
  const root = new Field('', resource);
  const name = root.member('metadata').member('name').text(253, OBJECT_NAME_RULES);
  const spec = root
    .member('spec')
    .members(['vsecmSafeURL', 'secretType', 'refreshInterval', 'target', 'data', 'labels', 'annotations']);
  if (spec.secretType.present && spec.secretType.text(64) !== 'k8s')
    spec.secretType.fail('must be k8s, the only type there is');
  const interval = spec.refreshInterval;
  return {
    ...(spec.vsecmSafeURL.present ? { safeURL: spec.vsecmSafeURL.text(1024, SAFE_URL_RULES) } : {}),
    secretType: 'k8s',
    refreshIntervalMs: parseDuration(
      interval.present ? interval.text(32, REFRESH_INTERVAL_RULES) : DEFAULT_REFRESH_INTERVAL,
    ),
    target: parseTarget(spec.target, name),
    data: parseData(spec.data),
    labels: parseMetadata(spec.labels),
    annotations: parseMetadata(spec.annotations),
  };
}

function parseTarget(field: Field, resourceName: string): Spec['target'] {
  if (!field.present) return { name: resourceName };
  const { name } = field.members(['name']);
  return { name: name.present ? name.text(253, OBJECT_NAME_RULES) : resourceName };
}

function parseData(field: Field): Entry[] {
  const entries = field.present ? parseEntries(field, MAX_DATA, 253, SECRET_KEY_RULES, REF_RULES) : [];
  if (entries.length === 0) field.fail('must name at least one key: add {key: KEY, ref: SECRET.PATH}');
  return entries;
}

const parseMetadata = (field: Field): Entry[] =>
  field.present ? parseEntries(field, MAX_METADATA, 317, METADATA_KEY_RULES, PUBLIC_REF_RULES) : [];

function parseEntries(
  list: Field,
  limit: number,
  keyLength: number,
  keyRules: readonly Rule[],
  refRules: readonly Rule[],
): Entry[] {
  const seen = new Set<string>();
  return list.items(limit).map((item) => {
    const { key, ref } = item.members(['key', 'ref']);
    const entry = { key: key.text(keyLength, keyRules), ref: parseRef(ref.text(REF_MAX_LENGTH, refRules)) };
    if (seen.has(entry.key)) key.fail(`must not be ${entry.key} a second time: give each key once`);
    seen.add(entry.key);
    return entry;
  });
}
