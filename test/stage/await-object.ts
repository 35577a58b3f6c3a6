import type { ApiClient } from '../devcluster/api-client.ts';

/**
 * The object at `path` (`/api/v1/namespaces/NS/secrets/NAME`) once it satisfies `fits`; `undefined` stands
 * for an object that is absent. Follows a watch, so nothing is polled.
 */
export async function awaitObject(
  client: ApiClient,
  path: string,
  fits: (object: any) => boolean,
  timeoutMs = 30_000,
): Promise<any> {
  const cut = path.lastIndexOf('/');
  const [collection, name] = [path.slice(0, cut), path.slice(cut + 1)];
  const list = await client.ok('GET', collection);
  let object = list.items.find((item: any) => item.metadata.name === name);
  if (fits(object)) return object;
  const watch = await client.watch(
    `${collection}?watch=true&resourceVersion=${list.metadata.resourceVersion}`,
  );
  const timer = setTimeout(() => watch.close(), timeoutMs);
  try {
    for (let event = await watch.next(); event; event = await watch.next()) {
      if (event.object.metadata?.name !== name) continue;
      object = event.type === 'DELETED' ? undefined : event.object;
      if (fits(object)) return object;
    }
  } catch {
    // Closed by the timer.
  } finally {
    clearTimeout(timer);
    watch.close();
  }
  throw new Error(
    `${path} did not become as awaited within ${timeoutMs} ms; status: ${JSON.stringify(object?.status ?? (object ? 'there' : 'absent'))}`,
  );
}

export const vssPath = (namespace: string, name: string): string =>
  `/apis/vsecm.com/v1alpha1/namespaces/${namespace}/vsecmsecrets/${name}`;
export const secretPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${namespace}/secrets/${name}`;

/** Whether a VSecMSecret says that its Secret is right. */
export const isReady = (object: any): boolean =>
  object?.status?.observedGeneration === object?.metadata?.generation &&
  (object?.status?.conditions ?? []).some((one: any) => one.type === 'Ready' && one.status === 'True');

/** Whether a VSecMSecret shows this failure. */
export const failsWith =
  (code: string) =>
  (object: any): boolean =>
    object?.status?.failure?.code === code;
