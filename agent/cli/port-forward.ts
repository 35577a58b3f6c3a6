import { Duplex } from 'node:stream';
import type { Access } from '../kube/access.ts';
import { KubeError } from '../kube/error.ts';
import { apiPath } from '../kube/path.ts';
import { openWebSocket, type WebSocketMessages } from './websocket.ts';

/** One port per connection: its data and its errors, in binary, the first byte of a message being the channel. */
const PROTOCOL = 'v4.channel.k8s.io';
const DATA = 0;
const ERROR = 1;

export interface PortForwardOptions {
  access: Access;
  namespace: string;
  pod: string;
  port: number;
  signal: AbortSignal;
}

/**
 * A connection to a port on a pod's loopback, as `kubectl port-forward` makes it, by the API server's WebSocket. RBAC:
 * `get` on pods/portforward, since Kubernetes 1.35 `create` too.
 * @throws KubeError
 */
export async function portForward(options: PortForwardOptions): Promise<Duplex> {
  const { access, namespace, pod, port, signal } = options;
  const path = apiPath({ group: '', version: 'v1', resource: 'pods' }, namespace, pod, 'portforward');
  return new Forwarded(await openWebSocket(access, `${path}?ports=${port}`, PROTOCOL, signal));
}

class Forwarded extends Duplex {
  readonly #messages: WebSocketMessages;

  constructor(messages: WebSocketMessages) {
    super();
    this.#messages = messages;
    this.#receive().catch((error: unknown) => this.destroy(KubeError.fromThrown(error)));
  }

  override _read(): void {
    // What comes is pushed as it comes: a page is small.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#messages.send(Buffer.concat([Buffer.from([DATA]), chunk]), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#messages.close();
    done(error);
  }

  async #receive(): Promise<void> {
    // Each channel begins with the number of its port.
    const begun = new Set<number>();
    for await (const message of this.#messages) {
      const channel = message[0] ?? -1;
      if (!begun.has(channel)) begun.add(channel);
      else if (channel === DATA) this.push(message.subarray(1));
      else if (channel === ERROR && message.length > 1) throw new KubeError(0, { code: codeOf(message) });
    }
    this.push(null);
  }
}

/** The kubelet tells in a sentence why the port cannot be had. */
const codeOf = (message: Buffer): string =>
  message.toString('latin1').includes('connection refused') ? 'ECONNREFUSED' : 'PortForwardFailed';
