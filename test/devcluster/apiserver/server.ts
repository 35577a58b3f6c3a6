import { load } from 'js-yaml';
import { Gate, type GateAnswer, type GateRequest, type Upgrade } from '../gate.ts';
import { ApiError, badRequest } from './api-error.ts';
import { Deletes } from './deletes.ts';
import type { Target } from './intake.ts';
import { Kinds } from './kinds.ts';
import { podLog } from './pod-log.ts';
import { portForward } from './port-forward.ts';
import { Reads } from './reads.ts';
import { Store } from './store.ts';
import { viewOf } from './view.ts';
import { Writes } from './writes.ts';

/** The query parameters that are understood; any other is an error, so that nothing is ignored unseen. */
const KNOWN = [
  'watch',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'allowWatchBookmarks',
  'timeoutSeconds',
  'labelSelector',
  'limit',
  'continue',
  'fieldManager',
  'force',
  'propagationPolicy',
  'dryRun',
  // How long a write may take; here none takes any.
  'timeout',
];

/** Those of pods/log, which the kubelet understands. */
const LOG = ['container', 'follow', 'tailLines', 'sinceSeconds'];

/**
 * The development API server: as much of kube-apiserver as the agent and its tests use, in memory, over
 * real TLS. What it answers is held by test/contract, which runs against the real one too. It knows no
 * RBAC, no admission, no CEL, no garbage collection.
 */
export class DevApiServer {
  readonly gate: Gate;
  readonly #store: Store;
  readonly #reads: Reads;
  readonly #tokens: Set<string>;

  private constructor(gate: Gate, store: Store, reads: Reads, tokens: Set<string>) {
    this.gate = gate;
    this.#store = store;
    this.#reads = reads;
    this.#tokens = tokens;
  }

  /** `adminToken` is accepted from the start, and its requests pass unseen by the gate's controls. */
  static async start(adminToken: string): Promise<DevApiServer> {
    const store = new Store();
    const kinds = new Kinds();
    const reads = new Reads(store);
    const writes = new Writes(store, kinds);
    const deletes = new Deletes(store, kinds);
    const tokens = new Set([adminToken]);

    const admit = (authorization = ''): void => {
      if (!tokens.has(authorization.replace(/^Bearer /, '')))
        throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    };
    const podOf = (namespace: string, name: string): any =>
      reads.get(kinds.find('', 'v1', 'pods')!, namespace, name);
    const nodeOf = (name: string): any => reads.get(kinds.find('', 'v1', 'nodes')!, '', name);

    const answer = async (request: GateRequest): Promise<GateAnswer> => {
      const { info, headers, body } = request;
      admit(headers['authorization']);
      const kind = info === undefined ? undefined : kinds.find(info.group, info.version, info.resource);
      if (info === undefined || kind === undefined)
        return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
      const isLog = kind.plural === 'pods' && info.subresource === 'log' && info.verb === 'get';
      const unknown = [...info.query.keys()].find((name) => !(isLog ? LOG : KNOWN).includes(name));
      if (unknown !== undefined)
        throw new ApiError(
          501,
          '',
          `the development API server does not know the query parameter ${unknown}`,
        );
      if (isLog) return podLog(request, podOf(info.namespace, info.name), nodeOf);
      if (!['', 'status'].includes(info.subresource))
        throw new ApiError(501, '', 'the development API server has no such subresource');

      const view = viewOf(headers['accept'], kind, info.verb === 'list');
      const target: Target = { kind, info, userAgent: headers['user-agent'] ?? '' };
      const collection = { kind, namespace: info.namespace, query: info.query, view };
      switch (info.verb) {
        case 'get':
          return { status: 200, body: view.object(reads.get(kind, info.namespace, info.name)) };
        case 'list':
          return { status: 200, body: reads.list(collection) };
        case 'watch':
          return { status: 200, body: reads.watch(collection, request.signal) };
        case 'create':
          return { status: 201, body: view.object(writes.create(target, parse(body))) };
        case 'update':
          return { status: 200, body: view.object(writes.update(target, parse(body))) };
        case 'patch': {
          const { status, object } = writes.patch(target, headers['content-type'] ?? '', body);
          return { status, body: view.object(object) };
        }
        case 'delete':
          return {
            status: 200,
            body: JSON.stringify(deletes.delete(kind, info, body === '' ? undefined : parse(body))),
          };
        default:
          throw new ApiError(
            405,
            'MethodNotAllowed',
            'the server does not allow this method on the requested resource',
          );
      }
    };
    const handler = async (request: GateRequest): Promise<GateAnswer> => {
      try {
        return await answer(request);
      } catch (error) {
        if (error instanceof ApiError)
          return { status: error.status, body: JSON.stringify(error.toStatus()) };
        // A bug of this server: shown, since a bare 500 would be looked for in the agent.
        console.error(error);
        throw error;
      }
    };
    const upgrade: Upgrade = (request, socket, head) =>
      portForward(request, socket, head, { admit, podOf, nodeOf });
    const gate = await Gate.start(handler, adminToken, upgrade);
    const server = new DevApiServer(gate, store, reads, tokens);
    for (const name of ['default', 'kube-system']) {
      const namespaces = kinds.find('', 'v1', 'namespaces')!;
      const info = {
        verb: 'create',
        group: '',
        version: 'v1',
        resource: 'namespaces',
        subresource: '',
        namespace: '',
        name: '',
        query: new URLSearchParams(),
      } as const;
      writes.create({ kind: namespaces, info, userAgent: 'kube-apiserver' }, { metadata: { name } });
    }
    return server;
  }

  /** Requests with this bearer token are let in. */
  admit(token: string): void {
    this.#tokens.add(token);
  }

  /** Requests with this bearer token are answered 401 from now on. */
  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  /** What was given out so far, resourceVersions and continue tokens, is answered 410 from now on. */
  expireHistory(): void {
    this.#store.expireHistory();
    this.#reads.expirePages();
  }

  /** Sends all open watches that allow it a bookmark, instead of waiting a minute for one. */
  sendBookmarks(): void {
    this.#reads.sendBookmarks();
  }
}

function parse(body: string): any {
  try {
    const object = load(body);
    if (typeof object === 'object' && object !== null) return object;
  } catch {
    // Said below.
  }
  throw badRequest('the body is not an object');
}
