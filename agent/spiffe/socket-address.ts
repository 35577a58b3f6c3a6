import { isIP } from 'node:net';
import { MalformedError } from './error.ts';

/** Where a Workload API listens, as `net.connect` takes it. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const UNIX = /^unix:\/\/(?<path>\/[^?#\0]+)$/;
const TCP = /^tcp:\/\/(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<v4>[0-9.]+)):(?<port>[0-9]{1,5})$/;

/**
 * Parses the value of `SPIFFE_ENDPOINT_SOCKET`: `unix:///path` or `tcp://IP:port`, by the SPIFFE Workload
 * Endpoint specification. `unix:path`, a host name, user, query or fragment are refused, as go-spiffe does.
 * The path is taken as it stands, without percent-decoding.
 *
 * @throws MalformedError
 */
export function parseSocketAddress(text: string): SocketAddress {
  const path = UNIX.exec(text)?.groups?.['path'];
  if (path !== undefined) return { path };
  const tcp = TCP.exec(text)?.groups;
  const host = tcp?.['v4'] ?? tcp?.['v6'] ?? '';
  const port = Number(tcp?.['port']);
  if (isIP(host) !== 0 && port > 0 && port < 65_536) return { host, port };
  throw new MalformedError('the socket address is neither unix:///PATH nor tcp://IP:PORT');
}
