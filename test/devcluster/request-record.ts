import type { Http2ServerRequest } from 'node:http2';
import { requestInfo, type RequestInfo } from './request-info.ts';

/** One request that came through a gate. */
export interface RequestRecord extends Omit<RequestInfo, 'query'> {
  method: string;
  /** Path and query. */
  target: string;
  query: URLSearchParams;
  /** User name of the token, such as `system:serviceaccount:vsecm-agent:vsecm-agent`, with `/POD` if bound to one. */
  client: string;
  /** Server-side apply, and if it was forced. */
  apply: boolean;
  force: boolean;
  /** Unix milliseconds. */
  at: number;
  /** 0 until answered, and for good when the answer was lost or the client was cut off. */
  status: number;
  /** The answer, a watch for example, is still being sent. */
  open: boolean;
}

/** Of a request that has just come in. */
export function newRecord(request: Http2ServerRequest): RequestRecord {
  const { method, url: target, headers } = request;
  const info = requestInfo(method, target);
  const none = {
    verb: 'get',
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    query: new URLSearchParams(),
  } as const;
  return {
    ...(info ?? none),
    method,
    target,
    client: clientOf(headers.authorization ?? ''),
    apply: (headers['content-type'] ?? '').startsWith('application/apply-patch'),
    force: info?.query.get('force') === 'true',
    at: Date.now(),
    status: 0,
    open: false,
  };
}

/** Who a bearer token says it is; this is for telling clients apart, not for believing them. */
function clientOf(authorization: string): string {
  try {
    const claims = JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString());
    const pod = claims['kubernetes.io']?.pod?.name;
    return pod === undefined ? claims.sub : `${claims.sub}/${pod}`;
  } catch {
    return 'unknown';
  }
}
