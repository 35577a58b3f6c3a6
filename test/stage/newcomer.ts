import { awaitObject, isReady, secretPath, vssPath } from './await-object.ts';
import { vss } from './scene.ts';
import type { Stage } from './stage.ts';

/**
 * Registers a secret and declares a resource that uses it, in a namespace of its own. Resolves to how long its
 * Secret and its status took from the declaration on, milliseconds.
 */
export async function newcomer(stage: Stage, name: string): Promise<{ secretMs: number; readyMs: number }> {
  const { admin } = stage.cluster;
  await stage.namespace(name);
  await stage.safe.register({ name: `raw:${name}`, value: '{"password":"s3cr3t"}', namespaces: [name] });
  const since = (): number => performance.now() - begunAt;
  const begunAt = performance.now();
  await admin.ok(
    'POST',
    `/apis/vsecm.com/v1alpha1/namespaces/${name}/vsecmsecrets`,
    vss('new', { data: [{ key: 'password', ref: `${name}.password` }] }),
  );
  const [secretMs, readyMs] = await Promise.all([
    awaitObject(admin, secretPath(name, 'new'), (secret) => secret !== undefined, 60_000).then(since),
    awaitObject(admin, vssPath(name, 'new'), isReady, 60_000).then(since),
  ]);
  return { secretMs, readyMs };
}
