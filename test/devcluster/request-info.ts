/** What one request asks of an API server, read from its method and path alone. */
export interface RequestInfo {
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** '' for the core group. */
  group: string;
  version: string;
  /** Plural name. */
  resource: string;
  subresource: string;
  /** '' for what is cluster-wide, and for a list over all namespaces. */
  namespace: string;
  /** '' for a collection. */
  name: string;
  query: URLSearchParams;
}

const PATH =
  /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>v[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/[^/]))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+))?)?$/;

/** undefined for a path that names no resource, such as /readyz. */
export function requestInfo(method: string, target: string): RequestInfo | undefined {
  const url = new URL(target, 'https://localhost');
  const found = PATH.exec(url.pathname)?.groups;
  if (found === undefined) return undefined;
  let { namespace = '', resource = '', name = '', subresource = '' } = found;
  if (namespace !== '' && (resource === 'status' || resource === 'finalize') && name === '') {
    // /api/v1/namespaces/NAME/status is about the namespace itself.
    [resource, name, subresource, namespace] = ['namespaces', namespace, resource, ''];
  }
  const decode = decodeURIComponent;
  return {
    verb: verbOf(method, name !== '', url.searchParams),
    group: decode(found['group'] ?? ''),
    version: decode(found['version'] ?? ''),
    resource: decode(resource),
    subresource: decode(subresource),
    namespace: decode(namespace),
    name: decode(name),
    query: url.searchParams,
  };
}

function verbOf(method: string, named: boolean, query: URLSearchParams): RequestInfo['verb'] {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      if (named) return 'get';
      return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
  }
}
