import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import { APPLY, type ApiClient } from './api-client.ts';
import { apiVersionOf, BUILT_IN, resourcePath, resourcesOfCrd, type Resource } from './resources.ts';

const CRDS = BUILT_IN.find((resource) => resource.kind === 'CustomResourceDefinition')!;

/**
 * Server-side applies YAML text or objects one after the other, as field manager `test`, with force. An
 * object of a namespaced kind that names no namespace goes to `namespace`. After a CRD it waits until its
 * resources are served. Returns the objects as stored.
 */
export async function apply(
  client: ApiClient,
  manifests: string | object | object[],
  namespace = 'default',
): Promise<any[]> {
  const objects: any[] = typeof manifests === 'string' ? loadAll(manifests) : [manifests].flat();
  const stored: any[] = [];
  for (const object of objects.filter((one) => one !== null && one !== undefined)) {
    const resource = await resourceOf(client, object);
    const path = resourcePath(resource, object.metadata.namespace ?? namespace, object.metadata.name);
    stored.push(
      await client.ok('PATCH', `${path}?fieldManager=test&force=true`, object, { 'content-type': APPLY }),
    );
    if (resource.kind === CRDS.kind) await served(client, object);
  }
  return stored;
}

/** The resource of an object's apiVersion and kind, asking the server for its CRDs if it is not built in. */
export async function resourceOf(
  client: ApiClient,
  object: { apiVersion: string; kind: string },
): Promise<Resource> {
  const fits = (resource: Resource): boolean =>
    resource.kind === object.kind && apiVersionOf(resource) === object.apiVersion;
  const builtIn = BUILT_IN.find(fits);
  if (builtIn !== undefined) return builtIn;
  const crds = await client.ok('GET', resourcePath(CRDS));
  const found = crds.items.flatMap(resourcesOfCrd).find(fits);
  if (found === undefined)
    throw new Error(`no such kind on the test cluster: ${object.apiVersion} ${object.kind}`);
  return found;
}

/** A new kind is served some 100 ms after its CRD was stored. */
async function served(client: ApiClient, crd: any): Promise<void> {
  for (const resource of resourcesOfCrd(crd)) {
    while ((await client.request('GET', `${resourcePath(resource)}?limit=1`)).status !== 200) await sleep(25);
  }
}
