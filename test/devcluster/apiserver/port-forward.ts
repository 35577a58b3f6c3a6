import type { IncomingMessage } from 'node:http';
import { connect } from 'node:tls';
import type { Duplex } from 'node:stream';
import { ApiError } from './api-error.ts';
import { kubeletOf } from './kubelet-address.ts';

/** What the server knows: who is let in, and where a pod runs. */
export interface PortForwardOptions {
  admit: (authorization: string | undefined) => void;
  podOf: (namespace: string, name: string) => any;
  nodeOf: (name: string) => any;
}

const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward$/;

/**
 * pods/portforward by WebSocket: the connection is joined with one to the kubelet of the pod's node, whose certificate is
 * not looked at, and whatever protocol the client chose is between these two, as with kube-apiserver for v4.channel.k8s.io.
 */
export async function portForward(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { admit, podOf, nodeOf }: PortForwardOptions,
): Promise<void> {
  socket.on('error', () => {});
  try {
    admit(request.headers.authorization);
    const url = new URL(request.url ?? '/', 'https://localhost');
    const [, namespace, name] = PATH.exec(url.pathname) ?? [];
    if (namespace === undefined || name === undefined) throw new ApiError(404, '', '404 page not found');
    const pod = podOf(namespace, name);
    const { host, port } = kubeletOf(nodeOf(pod.spec.nodeName));
    const upstream = connect({ host, port, rejectUnauthorized: false });
    upstream.on('error', () => refuse(socket, new ApiError(500, '', 'the kubelet does not answer')));
    socket.on('close', () => upstream.destroy());
    upstream.on('secureConnect', () => {
      const { connection, upgrade } = request.headers;
      const websocket = Object.entries(request.headers).filter(([header]) =>
        header.startsWith('sec-websocket-'),
      );
      const headers = Object.entries({ host, connection, upgrade, ...Object.fromEntries(websocket) });
      const lines = headers.map(([header, value]) => `${header}: ${String(value)}\r\n`).join('');
      const ports = new URLSearchParams({ port: url.searchParams.get('ports') ?? '' });
      upstream.write(`GET /portForward/${namespace}/${name}?${ports} HTTP/1.1\r\n${lines}\r\n`);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refuse(socket, error);
  }
}

function refuse(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.toStatus());
  socket.end(
    `HTTP/1.1 ${error.status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}
