import { X509Certificate } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { IssueOptions } from './pki.ts';
import type { Fault } from './safe/faults.ts';
import { answer } from './safe/handler.ts';
import { authorise, componentId, type WorkloadPatterns } from './safe/identities.ts';
import { SafePeer } from './safe/peer.ts';
import { SafeStore, type Registration, type RestartOptions } from './safe/store.ts';
import { DevAuthority } from './spire/authority.ts';

const HOUR_MS = 3_600_000;

export interface DevSafeOptions {
  /** Who signs Safe's and Sentinel's SVIDs and whose bundle is trusted; default one of its own for `vsecm.com`. */
  authority?: DevAuthority;
  /** Default any free one; kept from then on, also over `stop` and `start`. */
  port?: number;
  /** Safe's own SVID, if it shall differ from the one that VSecM's chart gives it. */
  svid?: IssueOptions;
  /** Who signs Safe's own SVID, if not `authority`. */
  signedBy?: DevAuthority;
  /** Trust domains that its own registration entry federates with: whose clients it can verify. */
  federated?: readonly DevAuthority[];
  /** The two variables that let workloads in; default: those of its own trust domain. */
  workloads?: WorkloadPatterns;
}

/** A request that came through the handshake; `status` is 0 until it is answered. */
export interface LoggedRequest {
  /** Unix milliseconds. */
  at: number;
  method: string;
  path: string;
  spiffeId: string;
  serialNumber: string;
  status: number;
}

/**
 * VSecM Safe 0.28 as its clients see it, on loopback: real mutual TLS with SVIDs, its one read, Sentinel's
 * registrations, and what is recorded of its restarts. Faults and the log are for tests.
 */
export class DevSafe {
  readonly authority: DevAuthority;
  readonly store = new SafeStore();
  /** Registers and deletes over the wire, with Sentinel's SVID. */
  readonly sentinel: SafePeer;
  readonly requests: LoggedRequest[] = [];
  /** The Postgres store is away: 503. */
  storeAway = false;
  /** Applied to every read of secrets until it is taken away. */
  fault: Fault | undefined;
  /** Client certificates that were refused in the handshake, by SPIFFE ID where there was one. */
  readonly refused: string[] = [];
  readonly #options: DevSafeOptions;
  readonly #events = new EventEmitter();
  readonly #ownAuthority: DevAuthority | undefined;
  #server: Server | undefined;
  #port: number;
  #renewal: NodeJS.Timeout | undefined;
  #unsubscribe = (): void => {};

  private constructor(options: DevSafeOptions, authority: DevAuthority) {
    this.#options = options;
    this.authority = authority;
    this.#ownAuthority = options.authority ? undefined : authority;
    this.#port = options.port ?? 0;
    this.sentinel = this.as(componentId(authority.trustDomain, 'vsecm-sentinel'));
  }

  static async start(options: DevSafeOptions = {}): Promise<DevSafe> {
    const safe = new DevSafe(options, options.authority ?? (await DevAuthority.create()));
    await safe.start();
    return safe;
  }

  /** Without a path, as an operator would give it. */
  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** What is asked for secrets. */
  get dial(): string {
    return `${this.url}/workload/v1/secrets`;
  }

  /** Reads of secrets that came through the handshake. */
  get reads(): LoggedRequest[] {
    return this.requests.filter(({ method, path }) => method === 'GET' && path === '/workload/v1/secrets');
  }

  /** Registers over the wire. @throws Error if Safe does not take it */
  async register(registration: Registration): Promise<void> {
    const { status, body } = await this.sentinel.register(registration);
    if (status !== 200) throw new Error(`Safe answered ${status} to a registration: ${body}`);
  }

  /** Resolves when this many reads have arrived since the start. */
  async whenRead(count: number): Promise<void> {
    while (this.reads.length < count) await once(this.#events, 'request');
  }

  /** Somebody with this SPIFFE ID, who does not look at Safe's. */
  as(id: string, options: Omit<IssueOptions, 'id'> = {}): SafePeer {
    const tls = async () => {
      const { chainPem, keyPem } = await this.authority.ca.issue({ id, ...options });
      return { cert: chainPem, key: keyPem, ca: this.authority.bundlePem };
    };
    return new SafePeer({ port: () => this.#port, tls });
  }

  /** Somebody with this certificate, whoever signed it. */
  with(identity: { cert: string; key: string }): SafePeer {
    return new SafePeer({
      port: () => this.#port,
      tls: () => Promise.resolve({ ...identity, ca: this.authority.bundlePem }),
    });
  }

  /** Resolves to how many connections are open, after those that are ending have ended. */
  async connections(): Promise<number> {
    const count = promisify<number>((done) =>
      this.#server?.getConnections((error, open) => done(error, open)),
    );
    for (let look = 0; look < 20 && (await count()) > 0; look++) await setTimeout(10);
    return count();
  }

  /** Listens again, where it listened before. */
  async start(): Promise<void> {
    const server = createServer({ requestCert: true, rejectUnauthorized: true, ...(await this.#tls()) });
    // Ahead of the listener that would serve the connection.
    server.prependListener('secureConnection', (socket: TLSSocket) => this.#admit(socket));
    server.on('tlsClientError', (_error, socket) => this.refused.push(spiffeIdOf(socket)));
    server.on(
      'request',
      (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response),
    );
    const followed = [this.authority, ...(this.#options.federated ?? [])];
    const ends = followed.map((authority) => authority.onBundle(() => void this.renew()));
    this.#unsubscribe = () => ends.forEach((end) => end());
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends all connections; what was never saved is lost only by `restart`. */
  async stop(): Promise<void> {
    clearTimeout(this.#renewal);
    this.#unsubscribe();
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  async restart(options: RestartOptions = {}): Promise<void> {
    await this.stop();
    this.store.restart(options);
    await this.start();
  }

  /** The operator gives the root key after a start in manual mode. */
  giveRootKey(): void {
    this.store.hasRootKey = true;
  }

  async close(): Promise<void> {
    await this.stop();
    this.#ownAuthority?.close();
  }

  /** Takes a new SVID and the bundle of this moment; open connections stay. */
  async renew(): Promise<void> {
    const tls = await this.#tls();
    this.#server?.setSecureContext(tls);
  }

  async #tls() {
    const signer = this.#options.signedBy ?? this.authority;
    const svid = await signer.ca.issue(
      this.#options.svid ?? { id: componentId(this.authority.trustDomain, 'vsecm-safe') },
    );
    clearTimeout(this.#renewal);
    this.#renewal = globalThis.setTimeout(() => void this.renew(), HOUR_MS / 2).unref();
    return {
      cert: svid.chainPem,
      key: svid.keyPem,
      ca: [this.authority, ...(this.#options.federated ?? [])].map(({ bundlePem }) => bundlePem),
      minVersion: 'TLSv1.2' as const,
    };
  }

  /** Like Go, before a ticket is sent; unlike Go without an alert, which Node cannot send. */
  #admit(socket: TLSSocket): void {
    const spiffeId = spiffeIdOf(socket);
    if (this.#verifies(socket, spiffeId) && this.#authorise(spiffeId)) return;
    this.refused.push(spiffeId);
    socket.destroy();
  }

  #authorise(spiffeId: string) {
    return authorise(spiffeId, this.authority.trustDomain, this.#options.workloads);
  }

  /** As go-spiffe: against the bundle of the peer's own trust domain, and no other. */
  #verifies(socket: TLSSocket, spiffeId: string): boolean {
    let last = socket.getPeerCertificate(true);
    // A root names itself as its issuer.
    while (last.issuerCertificate && last.issuerCertificate.fingerprint256 !== last.fingerprint256)
      last = last.issuerCertificate;
    const trustDomain = /^spiffe:\/\/([^/]+)/.exec(spiffeId)?.[1];
    return [this.authority, ...(this.#options.federated ?? [])].some(
      (authority) =>
        authority.trustDomain === trustDomain &&
        authority.roots.some(({ certDer }) => certDer.equals(last.raw)),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = request.socket as TLSSocket;
    const spiffeId = spiffeIdOf(socket);
    const rights = this.#authorise(spiffeId);
    if (!rights) return void socket.destroy();
    const [path = ''] = (request.url ?? '').split('?');
    const logged: LoggedRequest = {
      at: Date.now(),
      method: request.method ?? '',
      path,
      spiffeId,
      serialNumber: socket.getPeerCertificate().serialNumber,
      status: 0,
    };
    this.requests.push(logged);
    this.#events.emit('request');
    response.on('finish', () => (logged.status = response.statusCode));
    await answer(request, response, rights, this.store, { storeAway: this.storeAway, fault: this.fault });
  }
}

/** The one URI in the peer's certificate; empty if there is no certificate or not exactly one. */
function spiffeIdOf(socket: TLSSocket): string {
  const { raw } = socket.getPeerCertificate() ?? {};
  const names = raw ? (new X509Certificate(raw).subjectAltName ?? '') : '';
  return /^URI:([^,]+)$/.exec(names)?.[1] ?? '';
}
