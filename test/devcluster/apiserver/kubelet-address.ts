import { ApiError } from './api-error.ts';

/** Where the kubelet of a Node is; an error as of kube-apiserver if its status does not say. */
export function kubeletOf({ status }: any): { host: string; port: number } {
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  const host = status?.addresses?.[0]?.address;
  if (port === undefined || host === undefined) throw new ApiError(500, '', 'no preferred addresses found');
  return { host, port };
}
