import { Pool } from 'undici';
import type { TestCluster } from '../../test/cluster.ts';
import type { Credentials } from '../../test/devcluster/api-client.ts';
import { inParallel, type Declared } from './workload.ts';

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** As many as the agent has in flight at most: Secrets, statuses, Events. */
const IN_FLIGHT = 16 + 8 + 2;

interface Stored {
  metadata: { namespace: string; name: string; uid?: string; labels?: object; ownerReferences?: object[] };
  [field: string]: unknown;
}

/** One write: `METHOD`, path with query, content type, body. */
interface Write {
  method: 'PATCH' | 'POST';
  path: string;
  type: string;
  body: string;
}

/** What the agent wrote for one resource, to be written for others. */
export interface Written {
  secret: Stored;
  resource: Stored;
  event: Stored;
}

/** Reads what the agent wrote for one of its resources. */
export async function readWritten({ admin }: TestCluster): Promise<Written> {
  const events = await admin.ok('GET', '/apis/events.k8s.io/v1/events');
  const event = events.items.find(({ reason }: { reason: string }) => reason === 'Synced');
  const { namespace, name } = event.regarding;
  return {
    secret: await admin.ok('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`),
    resource: await admin.ok('GET', `/apis/vsecm.com/v1alpha1/namespaces/${namespace}/vsecmsecrets/${name}`),
    event,
  };
}

/** The writes that do for a resource what the agent did for the pattern's: Secret, status, Event. */
export function writesFor(
  pattern: Written,
  { metadata }: Declared,
): { secret: Write; status: Write; event: Write } {
  const { namespace, name, uid = '' } = metadata;
  const { secret, resource, event } = pattern;
  const json = (object: object): string =>
    JSON.stringify(object)
      .replaceAll(JSON.stringify(resource.metadata.namespace), JSON.stringify(namespace))
      .replaceAll(JSON.stringify(resource.metadata.name), JSON.stringify(name))
      .replaceAll(JSON.stringify(resource.metadata.uid), JSON.stringify(uid));
  const { labels, ownerReferences } = secret.metadata;
  const { metadata: _, deprecatedSource: _source, ...told } = event;
  const apply = 'application/apply-patch+yaml';
  const secretBody = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, labels, ownerReferences },
    type: secret['type'],
    data: secret['data'],
  };
  const statusBody = {
    apiVersion: 'vsecm.com/v1alpha1',
    kind: 'VSecMSecret',
    metadata: { namespace, name, uid },
    status: resource['status'],
  };
  const eventBody = { ...told, metadata: { namespace, name: `${name}.${uid}` } };
  const statusPath = `/apis/vsecm.com/v1alpha1/namespaces/${namespace}/vsecmsecrets/${name}/status`;
  return {
    secret: {
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}/secrets/${name}?fieldManager=vsecm-agent&force=false`,
      type: apply,
      body: json(secretBody),
    },
    status: {
      method: 'PATCH',
      path: `${statusPath}?fieldManager=vsecm-agent&force=true`,
      type: apply,
      body: json(statusBody),
    },
    event: {
      method: 'POST',
      path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
      type: 'application/json',
      body: json(eventBody),
    },
  };
}

/** Sends the writes as fast as it goes, with undici's pool alone; resolves to how long that took. */
export async function sendRaw(writes: readonly Write[], credentials: Credentials): Promise<number> {
  const { server, caPem, token = '' } = credentials;
  const pool = new Pool(server, { connections: 32, connect: { ca: caPem } });
  const headers = { authorization: `Bearer ${token}`, accept: METADATA, 'user-agent': 'bench' };
  const from = performance.now();
  try {
    await inParallel(
      writes,
      async ({ method, path, type, body }) => {
        const answer = await pool.request({
          method,
          path,
          headers: { ...headers, 'content-type': type },
          body,
        });
        const text = await answer.body.text();
        if (answer.statusCode > 201) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
      },
      IN_FLIGHT,
    );
    return performance.now() - from;
  } finally {
    await pool.close();
  }
}
