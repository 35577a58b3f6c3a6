/** As much of `metav1.ObjectMeta` as the agent reads. */
export interface ObjectMeta {
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion?: string; kind?: string; uid?: string; controller?: boolean }[];
  managedFields?: ManagedFields[];
}

export interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  time?: string;
  fieldsV1?: unknown;
}

/** The metadata of an object that has a name, an identity and a version; `undefined` for anything else. */
export function metaOf(
  object: unknown,
): (ObjectMeta & { namespace: string; name: string; uid: string; resourceVersion: string }) | undefined {
  const metadata = (object as { metadata?: ObjectMeta } | null)?.metadata;
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  if (!namespace || !name || !uid || !resourceVersion) return undefined;
  return { ...metadata, namespace, name, uid, resourceVersion };
}

/**
 * Whether `a` is an older version than `b`. Resource versions of one kind are ordered integers
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions); anything else is taken as not older.
 */
export function isOlderVersion(a: string, b: string): boolean {
  if (!/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
