import { parseDuration } from './duration.ts';
import {
  parseData,
  parseDataFrom,
  parseMetadata,
  type DataEntry,
  type Entry,
  type ObjectEntry,
} from './entry.ts';
import { Field } from './field.ts';
import type { Code, Stage } from './reasons.ts';
import { parseRestart, type RestartStatus, type Workload } from './restart.ts';
import { TYPE_DEMANDS, missingKey } from './secret-type.ts';
import { MAX_STALENESS_RULES, OBJECT_NAME_RULES, REFRESH_INTERVAL_RULES, SAFE_URL_RULES } from './syntax.ts';
import { parseTarget, type Target } from './target.ts';
import { parseValues, type NamedRef } from './values.ts';

export const GROUP = 'vsecm.com';
export const VERSION = 'v1alpha1';
export const KIND = 'VSecMSecret';
export const PLURAL = 'vsecmsecrets';

/** Any change of its value on a VSecMSecret asks for a refresh now. */
export const REFRESH_ANNOTATION = 'vsecm.com/refresh';

/** What a VSecMSecret asks for, checked and with its defaults filled in. */
export interface Spec extends Outline, Sources {}

/** Where its content comes from. */
export interface Sources {
  /** What templates may use; written nowhere by itself. */
  readonly values: readonly NamedRef[];
  readonly data: readonly DataEntry[];
  /** What `data` does not give is taken from these objects. */
  readonly dataFrom: readonly ObjectEntry[];
  readonly labels: readonly Entry[];
  readonly annotations: readonly Entry[];
}

/** All the rest, which is small: what an agent keeps of a spec that it has parsed. */
export interface Outline {
  /** As written in the resource; absent: the agent's default Safe. */
  readonly safeURL?: string;
  readonly secretType: 'k8s';
  /** 0: only when the resource changes or a refresh is asked for. */
  readonly refreshIntervalMs: number;
  /** How long Safe's last confirmation may be missing; absent: any time. */
  readonly maxStalenessMs?: number;
  /** The Secret is to be kept as it is. */
  readonly suspend: boolean;
  readonly target: Target;
  /** What is restarted when the content changes. */
  readonly restart: readonly Workload[];
}

export function outlineOf({
  values: _,
  data: _d,
  dataFrom: _f,
  labels: _l,
  annotations: _a,
  ...outline
}: Spec): Outline {
  return outline;
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
  /** `revision`: how often its content changed, where that restarts something. */
  secret?: { name: string; resourceVersion: string; revision?: number };
  restarts?: readonly RestartStatus[];
  lastSyncTime?: string;
  sourceUpdated?: string;
  /** When the first of the secrets used expires. */
  validUntil?: string;
  node?: string;
  handledRefresh?: string;
  failure?: { stage: Stage; code: Code; message: string; hint: string; since: string };
}

/** Whether the status calls the Secret right. */
export const isReady = ({ conditions }: VSecMSecretStatus): boolean =>
  conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

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

const DEFAULT_REFRESH_INTERVAL = '1h';

/**
 * The spec of a VSecMSecret that nothing is known about. At least as strict as the CRD, which may be
 * another version's or not in force; throws `InvalidSpec`, naming the field and the remedy.
 */
export function parseSpec(resource: unknown): Spec {
  const root = new Field('', resource);
  const name = root.member('metadata').member('name').text(253, OBJECT_NAME_RULES);
  const field = root.member('spec');
  const spec = field.members([
    'vsecmSafeURL',
    'secretType',
    'refreshInterval',
    'maxStaleness',
    'suspend',
    'target',
    'values',
    'data',
    'dataFrom',
    'labels',
    'annotations',
    'restart',
  ]);
  if (spec.secretType.present && spec.secretType.text(64) !== 'k8s')
    spec.secretType.fail('must be k8s, the only type there is');
  const { refreshInterval: interval, maxStaleness } = spec;
  const target = parseTarget(spec.target, name);
  const parsed: Spec = {
    ...(spec.vsecmSafeURL.present ? { safeURL: spec.vsecmSafeURL.text(1024, SAFE_URL_RULES) } : {}),
    secretType: 'k8s',
    refreshIntervalMs: parseDuration(
      interval.present ? interval.text(32, REFRESH_INTERVAL_RULES) : DEFAULT_REFRESH_INTERVAL,
    ),
    ...(maxStaleness.present
      ? { maxStalenessMs: parseDuration(maxStaleness.text(32, MAX_STALENESS_RULES)) }
      : {}),
    suspend: spec.suspend.present && spec.suspend.flag(),
    target,
    ...parseSources(spec, target),
    labels: parseMetadata(spec.labels),
    annotations: parseMetadata(spec.annotations),
    restart: parseRestart(spec.restart),
  };
  refuseLong(field, parsed);
  return parsed;
}

/**
 * Characters of all keys, names, refs and templates together; the CRD has the same limit. What the largest Secret needs, 256 keys with
 * refs of a hundred characters, fits; what agents keep of the largest resource is some 100 KiB.
 */
export const MAX_CHARACTERS = 32_768;
export const TOO_LONG_MESSAGE =
  'must not have more than 32,768 characters in its keys, names, refs and templates together: spread them over several VSecMSecrets';

function refuseLong(spec: Field, { values, data, dataFrom, labels, annotations }: Spec): void {
  const texts = [
    ...values.flatMap(({ name, ref }) => [name, ref.text]),
    ...data.flatMap(({ key, ref, template }) => [key, ref?.text ?? template!]),
    ...[...labels, ...annotations].flatMap(({ key, ref }) => [key, ref.text]),
    ...dataFrom.map(({ ref }) => ref.text),
  ];
  // Code points, as the API server counts; at least half of the units.
  const units = texts.reduce((sum, text) => sum + text.length, 0);
  if (units > MAX_CHARACTERS && texts.reduce((sum, text) => sum + [...text].length, 0) > MAX_CHARACTERS)
    spec.fail(TOO_LONG_MESSAGE);
}

export const NO_SOURCE_MESSAGE =
  'must name at least one key: add {key: KEY, ref: SECRET.PATH}, or give an object by dataFrom: [{ref: SECRET}]';

/** With a dataFrom nobody knows the keys before Safe has answered. */
function parseSources(
  { values, data, dataFrom }: Record<'values' | 'data' | 'dataFrom', Field>,
  { type }: Target,
): Pick<Spec, 'values' | 'data' | 'dataFrom'> {
  const named = parseValues(values);
  const sources = { values: named, data: parseData(data, named), dataFrom: parseDataFrom(dataFrom) };
  if (sources.dataFrom.length > 0) return sources;
  if (sources.data.length === 0) data.fail(NO_SOURCE_MESSAGE);
  if (missingKey(type, new Set(sources.data.map(({ key }) => key))) !== undefined)
    data.fail(TYPE_DEMANDS.get(type!)!.message);
  return sources;
}
