import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from './api-client.ts';
import { controlPlaneAssets } from './control-plane-assets.ts';
import { Ca } from './pki.ts';
import { reapOnCrash } from './reaper.ts';

export interface OwnControlPlaneOptions {
  /** kube-apiservers over the one etcd; default 1. */
  apiServers?: number;
  /** Flags for all of them, besides those that they need. */
  flags?: readonly string[];
  /** Where one of them finds etcd, in place of etcd itself. */
  etcdPort?: (index: number, etcd: number) => Promise<number>;
}

const HOST = '127.0.0.1';

/**
 * A real etcd and kube-apiservers whose processes, data and keys a test has in hand: it may stop and start each, take
 * the data back to an earlier state, and replace the CA and the key of the ServiceAccounts' tokens.
 */
export class OwnControlPlane {
  readonly folder: string;
  readonly #binaries: string;
  readonly #options: OwnControlPlaneOptions;
  readonly #processes = new Map<string, ChildProcess>();
  readonly ports: readonly number[];
  readonly #etcdPorts: readonly [number, number];
  ca!: Ca;
  #admin: ApiClient | undefined;

  private constructor(
    folder: string,
    binaries: string,
    ports: readonly number[],
    options: OwnControlPlaneOptions,
  ) {
    this.folder = folder;
    this.#binaries = binaries;
    this.#options = options;
    const [client = 0, peer = 0, ...api] = ports;
    this.#etcdPorts = [client, peer];
    this.ports = api;
  }

  static async start(options: OwnControlPlaneOptions = {}): Promise<OwnControlPlane> {
    const assets = await controlPlaneAssets();
    if ('missing' in assets) throw new Error(`the real control plane is not available: ${assets.missing}`);
    const folder = await mkdtemp(join(tmpdir(), 'vsecm-own-control-plane-'));
    const ports = await freePorts(2 + (options.apiServers ?? 1));
    const plane = new OwnControlPlane(folder, assets.folder, ports, options);
    await plane.replaceKeys();
    await plane.startEtcd();
    await Promise.all(plane.ports.map((_, index) => plane.startApi(index)));
    return plane;
  }

  /** An administrator's client of the first API server; another one after the keys were replaced. */
  get admin(): ApiClient {
    if (this.#admin === undefined) throw new Error('the control plane has no keys yet');
    return this.#admin;
  }

  /** New keys for the API servers, who trust and sign by them once they are started again. Tokens of before are void. */
  async replaceKeys(): Promise<void> {
    this.ca = await Ca.create('cluster', { ttlMs: 24 * 3_600_000 });
    const server = await this.ca.issue({ subject: 'CN=kube-apiserver', sans: [{ type: 'ip', value: HOST }] });
    const admin = await this.ca.issue({ subject: 'O=system:masters, CN=admin' });
    const accounts = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    await Promise.all(
      Object.entries({
        'ca.crt': this.ca.certPem,
        'server.crt': server.chainPem,
        'server.key': server.keyPem,
        'sa.pub': accounts.publicKey,
        'sa.key': accounts.privateKey,
      }).map(([name, text]) => writeFile(join(this.folder, name), text, { mode: 0o600 })),
    );
    await this.#admin?.close();
    const { certPem, keyPem } = admin;
    this.#admin = new ApiClient({
      server: `https://${HOST}:${this.ports[0]}`,
      caPem: this.ca.certPem,
      certPem,
      keyPem,
    });
  }

  async startEtcd(): Promise<void> {
    const [client, peer] = this.#etcdPorts.map((port) => `http://${HOST}:${port}`);
    this.#spawn('etcd', 'etcd', [
      `--data-dir=${join(this.folder, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
    ]);
  }

  /** Resolves when it is ready. */
  async startApi(index = 0): Promise<void> {
    const port = this.ports[index] ?? 0;
    const [etcd] = this.#etcdPorts;
    const file = (name: string): string => join(this.folder, name);
    this.#spawn(`api-${index}`, 'kube-apiserver', [
      `--etcd-servers=http://${HOST}:${(await this.#options.etcdPort?.(index, etcd)) ?? etcd}`,
      `--bind-address=${HOST}`,
      `--secure-port=${port}`,
      `--cert-dir=${file('certs')}`,
      `--tls-cert-file=${file('server.crt')}`,
      `--tls-private-key-file=${file('server.key')}`,
      `--client-ca-file=${file('ca.crt')}`,
      `--service-account-key-file=${file('sa.pub')}`,
      `--service-account-signing-key-file=${file('sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--authorization-mode=RBAC',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
      ...(this.#options.flags ?? []),
    ]);
    await this.ready(index);
  }

  /** Resolves when an API server says that it is ready. */
  async ready(index = 0): Promise<void> {
    const client = new ApiClient({
      ...this.admin.credentials,
      server: `https://${HOST}:${this.ports[index]}`,
    });
    try {
      for (;;) {
        const answer = await client.request('GET', '/readyz').catch(() => undefined);
        if (answer?.status === 200) return;
        await sleep(100);
      }
    } finally {
      await client.close();
    }
  }

  async stopEtcd(): Promise<void> {
    await this.#end('etcd', 'SIGKILL');
  }

  async stopApi(index = 0, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#end(`api-${index}`, signal);
  }

  /** An API server stands still, or goes on. */
  signalApi(index: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#processes.get(`api-${index}`)?.kill(signal);
  }

  /** Stops everything, does something with the data, and starts everything again. */
  async #offline(run: () => Promise<unknown>): Promise<void> {
    await Promise.all(this.ports.map((_, index) => this.stopApi(index, 'SIGKILL')));
    await this.stopEtcd();
    await run();
    await this.startEtcd();
    await Promise.all(this.ports.map((_, index) => this.startApi(index)));
  }

  /** Copies the data, which `restore` takes back. */
  async backup(): Promise<void> {
    await this.#offline(() =>
      cp(join(this.folder, 'etcd'), join(this.folder, 'backup'), { recursive: true }),
    );
  }

  /** As after a disaster: everything is as it was at the backup, versions included. */
  async restore(): Promise<void> {
    await this.#offline(async () => {
      await rm(join(this.folder, 'etcd'), { recursive: true });
      await cp(join(this.folder, 'backup'), join(this.folder, 'etcd'), { recursive: true });
    });
  }

  async stop(): Promise<void> {
    for (const name of [...this.#processes.keys()].toReversed()) await this.#end(name, 'SIGKILL');
    await this.#admin?.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #spawn(name: string, binary: string, flags: readonly string[]): void {
    const child = spawn(join(this.#binaries, binary), flags, { stdio: ['ignore', 'ignore', 'ignore'] });
    this.#processes.set(name, child);
    const forget = reapOnCrash(child.pid === undefined ? [] : [child.pid], []);
    child.once('exit', forget);
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await exit;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, HOST);
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
