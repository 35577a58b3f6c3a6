/** A kind of objects as the API server names it in paths. */
export interface ApiResource {
  /** '' for the core group. */
  group: string;
  version: string;
  /** Plural, such as `secrets`. */
  resource: string;
}

/** Path of a collection (of all namespaces without `namespace`), of one object, or of its subresource. */
export function apiPath(
  { group, version, resource }: ApiResource,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  if (namespace !== undefined) parts.push('namespaces', namespace);
  parts.push(resource);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return '/' + parts.map(encodeURIComponent).join('/');
}
