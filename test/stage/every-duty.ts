import { awaitObject, failsWith, isReady, secretPath, vssPath } from './await-object.ts';
import { valuesOf, vss } from './scene.ts';
import type { Stage } from './stage.ts';

const CONSENT = { annotations: { 'vsecm.com/allow-adoption': 'true' } };
const MERGE = { 'content-type': 'application/merge-patch+json' };

/**
 * Has the agents of a stage do everything that they do for resources, once, in one namespace: create, rotate,
 * repair, rename, adopt, merge, fail and be told of a deletion. Resolves when all of it is done.
 */
export async function everyDuty(stage: Stage, namespace: string): Promise<void> {
  const { cluster, safe } = stage;
  const api = cluster.admin;
  const secret = `${namespace}-credentials`;
  const register = (password: string): Promise<unknown> =>
    safe.register({ name: `raw:${secret}`, value: JSON.stringify({ password }), namespaces: [namespace] });
  const data = [{ key: 'password', ref: `${secret}.password` }];
  const declare = (name: string, spec: object): Promise<unknown> =>
    cluster.apply(vss(name, { data, ...spec }), namespace);
  const theirs = (name: string): Promise<unknown> =>
    api.ok('POST', `/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, ...CONSENT },
      stringData: { theirs: 'kept' },
    });
  const holds = (name: string, password: string): Promise<unknown> =>
    awaitObject(api, secretPath(namespace, name), (one) => valuesOf(one)['password'] === password);
  const ready = (name: string): Promise<unknown> => awaitObject(api, vssPath(namespace, name), isReady);
  const refresh = (name: string): Promise<unknown> =>
    api.ok(
      'PATCH',
      vssPath(namespace, name),
      { metadata: { annotations: { 'vsecm.com/refresh': `${performance.now()}` } } },
      MERGE,
    );

  await safe.register({
    name: 'raw:vsecm-agent-placeholder',
    value: 'placeholder',
    namespaces: ['vsecm-agent'],
  });
  await register('first');
  await declare('owned', {});
  await declare('orphan', { target: { creationPolicy: 'Orphan' } });
  await ready('owned');
  await ready('orphan');

  await register('second');
  await refresh('owned');
  await holds('owned', 'second');

  // Edited, deleted, stripped of the label.
  await api.ok('PATCH', secretPath(namespace, 'owned'), { data: { password: 'eA==' } }, MERGE);
  await holds('owned', 'second');
  await api.ok('DELETE', secretPath(namespace, 'orphan'));
  await holds('orphan', 'second');
  await api.ok(
    'PATCH',
    secretPath(namespace, 'orphan'),
    { metadata: { labels: { 'vsecm.com/managed': null } } },
    MERGE,
  );
  await awaitObject(
    api,
    secretPath(namespace, 'orphan'),
    (one) => one?.metadata.labels?.['vsecm.com/managed'] === 'true',
  );

  await theirs('adopted');
  await declare('adopted', {});
  await holds('adopted', 'second');
  await theirs('merged');
  await declare('merged', { target: { creationPolicy: 'Merge' } });
  await holds('merged', 'second');

  await declare('owned', { target: { name: 'renamed' } });
  await holds('renamed', 'second');
  await awaitObject(api, secretPath(namespace, 'owned'), (one) => one === undefined);

  await declare('failing', { data: [{ key: 'password', ref: `${secret}.absent` }] });
  await awaitObject(api, vssPath(namespace, 'failing'), failsWith('RefNotFound'));
  await api.ok('DELETE', vssPath(namespace, 'adopted'));

  // Events come after the status that they go with, and tell of the same transitions.
  await eventOf(stage, namespace, 'failing');
}

/** An Event about an object, by default any, as soon as there is one. */
export async function eventOf(stage: Stage, namespace: string, name: string, reason?: string): Promise<any> {
  const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const fits = (event: any): boolean =>
    event.regarding?.name === name && (reason === undefined || event.reason === reason);
  const { items, metadata } = await stage.cluster.admin.ok('GET', path);
  const there = items.find(fits);
  if (there) return there;
  const watch = await stage.cluster.admin.watch(
    `${path}?watch=true&resourceVersion=${metadata.resourceVersion}`,
  );
  const timer = setTimeout(() => watch.close(), 30_000);
  try {
    for (let event = await watch.next(); event; event = await watch.next())
      if (fits(event.object)) return event.object;
  } finally {
    clearTimeout(timer);
    watch.close();
  }
  throw new Error(`no Event about ${namespace}/${name}`);
}
