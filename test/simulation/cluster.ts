import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { Deletes } from '../devcluster/apiserver/deletes.ts';
import type { Target } from '../devcluster/apiserver/intake.ts';
import { Kinds, type Kind } from '../devcluster/apiserver/kinds.ts';
import { Store, type Change } from '../devcluster/apiserver/store.ts';
import { Writes } from '../devcluster/apiserver/writes.ts';
import { requestInfo, type RequestInfo } from '../devcluster/request-info.ts';
import { Chance } from './chance.ts';
import type { Timeline } from './timeline.ts';

const CRD = load(
  readFileSync(new URL('../../daemonset/10-vsecmsecret-crd.yaml', import.meta.url), 'utf8'),
) as object;

export const AGENTS = 'vsecm-agent';
export const RESOURCES = '/apis/vsecm.com/v1alpha1';
export const MERGE = 'application/merge-patch+json';

/**
 * What is stored, whichever API server is asked: etcd with the rules of writing. `as` is who writes at the moment,
 * which no object says.
 */
export class Cluster {
  readonly store: Store;
  readonly secrets: Kind;
  readonly resources: Kind;
  readonly slices: Kind;
  readonly namespaces: Kind;
  /** Who is writing now: a pod's name, `people`, or a controller. */
  writer = 'nobody';
  readonly #kinds = new Kinds();
  readonly #writes: Writes;
  readonly #deletes: Deletes;
  readonly #last = new Map<string, number>();

  constructor(seed: number, timeline: Timeline) {
    const chance = new Chance(seed, 'uids');
    const hex = (length: number): string =>
      Array.from({ length }, () => chance.between(0, 16).toString(16)).join('');
    const uid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
    this.store = new Store({ wall: () => timeline.now, uid });
    this.#writes = new Writes(this.store, this.#kinds);
    this.#deletes = new Deletes(this.store, this.#kinds);
    this.do('setup', 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', CRD);
    const kind = (group: string, version: string, plural: string): Kind => {
      const found = this.#kinds.find(group, version, plural)!;
      this.store.follow(
        found,
        this.store.version,
        (change) => this.#last.set(found.key, change.resourceVersion),
        NEVER,
      );
      return found;
    };
    this.secrets = kind('', 'v1', 'secrets');
    this.resources = kind('vsecm.com', 'v1alpha1', 'vsecmsecrets');
    this.slices = kind('discovery.k8s.io', 'v1', 'endpointslices');
    this.namespaces = kind('', 'v1', 'namespaces');
  }

  kindOf({ group, version, resource }: RequestInfo): Kind | undefined {
    return this.#kinds.find(group, version, resource);
  }

  /** The version of the last change of this kind; 0 before the first. */
  lastVersion(kind: Kind): number {
    return this.#last.get(kind.key) ?? 0;
  }

  /** Tells each change of a kind from now on. */
  follow(kind: Kind, tell: (change: Change) => void): void {
    this.store.follow(kind, this.store.version, tell, NEVER);
  }

  get(kind: Kind, namespace: string, name: string): any {
    return this.store.get(kind, namespace, name);
  }

  /** A write as somebody, right at the store. Throws ApiError. */
  do(writer: string, method: string, path: string, body?: any, contentType = MERGE): any {
    const info = requestInfo(method, path)!;
    return this.write(writer, info, body, contentType).object;
  }

  write(writer: string, info: RequestInfo, body: any, contentType: string): { status: number; object: any } {
    const kind = this.kindOf(info)!;
    const manager = writer === 'people' ? 'kubectl' : writer === 'setup' ? 'setup' : writer;
    const target: Target = { kind, info, userAgent: manager };
    this.writer = writer;
    try {
      if (info.verb === 'create') return { status: 201, object: this.#writes.create(target, body) };
      if (info.verb === 'delete') return { status: 200, object: this.#deletes.delete(kind, info, body) };
      return this.#writes.patch(target, contentType, typeof body === 'string' ? body : JSON.stringify(body));
    } finally {
      this.writer = 'nobody';
    }
  }
}

const NEVER = (): void => {};

export const keyOf = (object: any): string => `${object.metadata.namespace}/${object.metadata.name}`;

/** The Secret that a VSecMSecret names. */
export const targetOf = (resource: any): string => resource.spec.target?.name ?? resource.metadata.name;

export const secretPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${namespace}/secrets/${name}`;

export const resourcePath = (namespace: string, name: string): string =>
  `${RESOURCES}/namespaces/${namespace}/vsecmsecrets/${name}`;
