import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { X509SVIDResponseSchema, type X509SVIDResponse } from './spire/gen/workload_pb.ts';
import type { Ca, Issued, IssueOptions } from './pki.ts';
import { DevAuthority } from './spire/authority.ts';
import { WorkloadEndpoint } from './spire/workload-endpoint.ts';

export interface DevSpireOptions {
  /** Default `vsecm.com`. */
  trustDomain?: string;
  /** Shared by the SPIRE agents of several nodes; default one of its own. */
  authority?: DevAuthority;
  /** Default `agent.sock` in a folder of its own, which `close` removes. */
  socketPath?: string;
  /** Default one hour. */
  svidTtlMs?: number;
  /** Trust domains that the entries federate with, from the start on. */
  federated?: readonly DevAuthority[];
}

/** How an SVID is issued, with the hint of its registration entry. */
export type EntryOptions = Omit<IssueOptions, 'id' | 'sans'> & { hint?: string };

interface Entry {
  id: string;
  options: EntryOptions;
  svid: Issued;
}

/** What the SPIRE agent does to a stream that is opened. `silent`: accepts it and says nothing. */
export type Fault = 'unavailable' | 'silent';

/**
 * The SPIRE agent of one node as one workload sees it: a Workload API on a Unix socket. It behaves as recorded
 * from a real one: no entry is PermissionDenied, an entry that is deleted ends open streams with it; every change
 * sends all SVIDs, in an arbitrary order; they are renewed at half of their life, and with the server down they
 * are not, so that a new stream delivers an expired one.
 */
export class DevSpire {
  /** Value for `SPIFFE_ENDPOINT_SOCKET`. */
  readonly socket: string;
  readonly authority: DevAuthority;
  /** Set to make streams that are opened from now on fail. */
  fault: Fault | undefined;
  /** While true nothing is renewed by itself. */
  serverDown = false;
  readonly #options: DevSpireOptions;
  readonly #folder: string | undefined;
  readonly #endpoint: WorkloadEndpoint;
  readonly #unsubscribe: () => void;
  #entries: Entry[] = [];
  /** How to stop following the bundle of each trust domain that is federated. */
  readonly #federated = new Map<DevAuthority, () => void>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    options: DevSpireOptions,
    authority: DevAuthority,
    socketPath: string,
    folder: string | undefined,
  ) {
    this.socket = `unix://${socketPath}`;
    this.authority = authority;
    this.#options = options;
    this.#folder = folder;
    this.#endpoint = new WorkloadEndpoint(socketPath, () => this.#greet());
    this.#unsubscribe = authority.onBundle(() => this.resend());
    for (const other of options.federated ?? []) this.federate(other);
  }

  static async start(options: DevSpireOptions = {}): Promise<DevSpire> {
    const { trustDomain = 'vsecm.com' } = options;
    const authority = options.authority ?? (await DevAuthority.create({ trustDomain }));
    const folder = options.socketPath === undefined ? await mkdtemp(join(tmpdir(), 'dev-spire-')) : undefined;
    const spire = new DevSpire(
      options,
      authority,
      options.socketPath ?? join(folder ?? '', 'agent.sock'),
      folder,
    );
    await spire.#endpoint.listen();
    return spire;
  }

  /** The root that signs now. */
  get ca(): Ca {
    return this.authority.ca;
  }

  /** Connections and streams that are open, and how many streams were ever asked for. */
  get connections(): number {
    return this.#endpoint.connections;
  }

  get open(): number {
    return this.#endpoint.open;
  }

  get opened(): number {
    return this.#endpoint.opened;
  }

  /** Resolves when `count` streams have been asked for since the start. */
  whenOpened(count: number): Promise<void> {
    return this.#endpoint.whenOpened(count);
  }

  /** The entries federate with this trust domain: open streams get its bundle, now and whenever it changes. */
  federate(authority: DevAuthority): void {
    if (this.#federated.has(authority)) return;
    this.#federated.set(
      authority,
      authority.onBundle(() => this.resend()),
    );
    this.resend();
  }

  /** They do so no longer: the next message lacks its bundle. */
  unfederate(authority: DevAuthority): void {
    this.#federated.get(authority)?.();
    this.#federated.delete(authority);
    this.resend();
  }

  /** Creates a registration entry, or replaces the one with this ID: open streams get the SVID. */
  async register(id: string, options: EntryOptions = {}): Promise<Issued> {
    const svid = await this.#issue(id, options);
    this.#entries = [...this.#entries.filter((entry) => entry.id !== id), { id, options, svid }];
    this.#changed();
    return svid;
  }

  /** Deletes a registration entry; with the last one open streams end with PermissionDenied. */
  remove(id: string): void {
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    this.#changed();
  }

  /** Deletes an entry and creates another in one step, as when its template is edited. */
  async replace(id: string, by: string, options: EntryOptions = {}): Promise<Issued> {
    const svid = await this.#issue(by, options);
    this.#entries = [...this.#entries.filter((entry) => entry.id !== id), { id: by, options, svid }];
    this.#changed();
    return svid;
  }

  /** Renews the SVID with this ID, or all of them, before their time. */
  async renew(id?: string): Promise<void> {
    for (const entry of this.#entries) {
      if (id === undefined || entry.id === id) entry.svid = await this.#issue(entry.id, entry.options);
    }
    this.#changed();
  }

  /** A whole rotation of the root, with SVIDs renewed under the new one. */
  async rotateCa(): Promise<void> {
    await this.authority.prepare();
    this.authority.activate();
    await this.renew();
  }

  /** Sends what stands, as after any change that does not concern these SVIDs. */
  resend(): void {
    if (this.#entries.length > 0) this.#endpoint.broadcast(this.message());
  }

  /** Sends open streams a message of the test's own making. */
  send(message: MessageInitShape<typeof X509SVIDResponseSchema>): void {
    this.#endpoint.broadcast(create(X509SVIDResponseSchema, message));
  }

  /** Ends open streams with this gRPC status. */
  endStreams(code: Code = Code.Unavailable): void {
    this.#endpoint.endAll(new ConnectError('ended by the test', code));
  }

  /** Connections break off, the socket vanishes; entries and SVIDs stay. */
  async stop(): Promise<void> {
    await this.#endpoint.stop();
  }

  async restart(): Promise<void> {
    await this.#endpoint.stop();
    await this.#endpoint.listen();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#unsubscribe();
    for (const end of this.#federated.values()) end();
    if (this.#options.authority === undefined) this.authority.close();
    await this.#endpoint.stop();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The whole truth at this moment. */
  message(): X509SVIDResponse {
    const hints = new Set<string>();
    const svids = shuffled(this.#entries).filter(({ options: { hint = '' } }) => {
      // Seen on SPIRE: of two SVIDs with the same hint one is dropped.
      if (hint !== '' && hints.has(hint)) return false;
      hints.add(hint);
      return true;
    });
    return create(X509SVIDResponseSchema, {
      svids: svids.map(({ id, options, svid }) => ({
        spiffeId: id,
        x509Svid: svid.chainDer,
        x509SvidKey: svid.keyDer,
        bundle: this.authority.bundleDer,
        hint: options.hint ?? '',
      })),
      federatedBundles: Object.fromEntries(
        [...this.#federated.keys()].map(({ trustDomain, bundleDer }) => [
          `spiffe://${trustDomain}`,
          bundleDer,
        ]),
      ),
    });
  }

  #greet(): X509SVIDResponse | ConnectError | undefined {
    if (this.fault === 'silent') return undefined;
    if (this.fault === 'unavailable') return new ConnectError('agent is shutting down', Code.Unavailable);
    if (this.#entries.length === 0) return noIdentity();
    return this.message();
  }

  #issue(id: string, { hint: _, ...options }: EntryOptions): Promise<Issued> {
    const { svidTtlMs: ttlMs } = this.#options;
    return this.ca.issue({ ...(ttlMs === undefined ? {} : { ttlMs }), ...options, id });
  }

  #changed(): void {
    this.#scheduleRenewal();
    if (this.#entries.length === 0) this.#endpoint.endAll(noIdentity());
    else this.resend();
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#timer);
    const renewed = this.#entries.filter(({ options }) => options.notAfter === undefined);
    if (renewed.length === 0) return;
    const dueAt = Math.min(...renewed.map(({ svid }) => (svid.notBefore + svid.notAfter) / 2));
    const run = (): void => {
      if (this.serverDown) this.#scheduleRenewal();
      else void this.renew();
    };
    this.#timer = setTimeout(run, Math.max(1_000, dueAt - Date.now()));
    this.#timer.unref();
  }
}

const noIdentity = (): ConnectError => new ConnectError('no identity issued', Code.PermissionDenied);

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
