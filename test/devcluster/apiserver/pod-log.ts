import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import type { GateAnswer, GateRequest } from '../gate.ts';
import { ApiError } from './api-error.ts';
import { kubeletOf } from './kubelet-address.ts';

/** pods/log: passed on to the kubelet of the pod's node, whose certificate is not looked at, as by kube-apiserver. */
export async function podLog(
  { target, signal }: GateRequest,
  pod: any,
  nodeOf: (name: string) => any,
): Promise<GateAnswer> {
  const { searchParams } = new URL(target, 'https://localhost');
  const container = searchParams.get('container') ?? pod.spec.containers[0].name;
  searchParams.delete('container');
  const { host, port } = kubeletOf(nodeOf(pod.spec.nodeName));
  const { namespace, name } = pod.metadata;
  const path = `/containerLogs/${namespace}/${name}/${container}?${searchParams}`;
  const request = get({ host, port, path, rejectUnauthorized: false, agent: false, signal });
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error('no log');
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: texts(response) };
  } catch {
    throw new ApiError(500, '', 'the kubelet does not answer');
  }
}

async function* texts(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  try {
    for await (const chunk of response) yield chunk;
  } catch {
    // The client or the kubelet went away.
  }
}
