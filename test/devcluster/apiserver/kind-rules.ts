import { apiVersionOf } from '../resources.ts';
import { ApiError, badRequest, type Cause } from './api-error.ts';
import type { Kind } from './kinds.ts';
import { addDefaults } from './schema.ts';

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const DATA_KEY = /^[-._a-zA-Z0-9]+$/;
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const MAX_SECRET_BYTES = 1_048_576;

/** The object as its kind stores it: defaults filled in, empty parts left out. */
export function normalise(kind: Kind, given: any): any {
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...structuredClone(given) };
  for (const holder of [object, object.metadata])
    for (const name of Object.keys(holder)) if (holder[name] === undefined) delete holder[name];
  for (const name of ['labels', 'annotations', 'ownerReferences', 'finalizers'])
    dropEmpty(object.metadata, name);
  if (kind.schema !== undefined) addDefaults(object, kind.schema);
  if (kind.kind === 'Secret') normaliseSecret(object);
  if (kind.kind === 'Namespace') {
    object.metadata.labels = {
      ...object.metadata.labels,
      'kubernetes.io/metadata.name': object.metadata.name,
    };
    object.spec ??= { finalizers: ['kubernetes'] };
    object.status ??= { phase: 'Active' };
  }
  if (kind.kind === 'EndpointSlice')
    for (const endpoint of object.endpoints ?? []) endpoint.conditions ??= {};
  if (kind.kind === 'Event') {
    if (object.eventTime != null && !MICRO_TIME.test(object.eventTime))
      throw badRequest(`Event in version "v1" cannot be handled as a Event: parsing time`);
  }
  return object;
}

function normaliseSecret(secret: any): void {
  const plain = Object.entries<any>(secret.stringData ?? {}).map(([key, text]) => [
    key,
    Buffer.from(String(text ?? '')).toString('base64'),
  ]);
  const data = Object.entries<any>(secret.data ?? {}).map(([key, text]) => [
    key,
    canonicalBase64(text ?? ''),
  ]);
  secret.data = Object.fromEntries([...data, ...plain]);
  delete secret.stringData;
  dropEmpty(secret, 'data');
  secret.type ||= 'Opaque';
}

/** Also what a YAML author wrote with stray bits in its last letter. */
function canonicalBase64(text: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    throw new ApiError(500, '', 'illegal base64 data');
  return Buffer.from(text, 'base64').toString('base64');
}

function dropEmpty(holder: any, name: string): void {
  if (holder[name] == null || Object.keys(holder[name]).length === 0) delete holder[name];
}

/** What is wrong with an object that is to be stored; `live` is what it replaces. */
export function problemsOf(kind: Kind, object: any, live: any): Cause[] {
  const problems: Cause[] = [];
  const wrong = (field: string, why: string, reason = 'FieldValueInvalid'): unknown =>
    problems.push({ reason, message: why, field });
  const { name, labels = {}, annotations = {} } = object.metadata;
  if (!NAME.test(name) && kind.group !== 'rbac.authorization.k8s.io') wrong('metadata.name', 'Invalid value');
  if (!NAME.test(object.metadata.generateName?.replace(/-$/, '') ?? 'none'))
    wrong('metadata.generateName', 'Invalid value');
  for (const [key, value] of Object.entries<string>(labels)) {
    if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) wrong('metadata.labels', 'Invalid value');
  }
  for (const key of Object.keys(annotations))
    if (!LABEL_KEY.test(key.toLowerCase())) wrong('metadata.annotations', 'Invalid value');
  if (kind.kind === 'Secret') secretProblems(object, live, wrong);
  if (kind.kind === 'Event') {
    for (const field of ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason']) {
      if (!object[field]) wrong(field, 'Required value', 'FieldValueRequired');
    }
  }
  return problems;
}

function secretProblems(
  secret: any,
  live: any,
  wrong: (field: string, why: string, reason?: string) => unknown,
): void {
  const data = Object.entries<string>(secret.data ?? {});
  for (const [key] of data) {
    if (!DATA_KEY.test(key) || key.length > 253 || key === '.' || key.startsWith('..'))
      wrong(`data[${key}]`, 'Invalid value');
  }
  if (data.reduce((sum, [, value]) => sum + Buffer.byteLength(value, 'base64'), 0) > MAX_SECRET_BYTES)
    wrong('data', 'Too long', 'FieldValueTooLong');
  if (live === undefined) return;
  if (secret.type !== live.type) wrong('type', 'field is immutable');
  if (live.immutable !== true) return;
  if (secret.immutable !== true)
    wrong('immutable', 'field is immutable when `immutable` is set', 'FieldValueForbidden');
  if (JSON.stringify(sorted(secret.data)) !== JSON.stringify(sorted(live.data)))
    wrong('data', 'field is immutable when `immutable` is set', 'FieldValueForbidden');
}

const sorted = (data: Record<string, string> = {}): unknown => Object.entries(data).sort();
