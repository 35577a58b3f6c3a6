import type { KubeClient } from './client.ts';
import { KubeError } from './error.ts';
import { METADATA_LIST, OBJECT } from './media-type.ts';
import type { RawObject } from './watch-event.ts';

export interface ListOptions {
  path: string;
  metadataOnly: boolean;
  labelSelector?: string | undefined;
  pageSize: number;
  signal: AbortSignal;
  /** Takes each object and names it; those of earlier pages once more if the list had to begin anew. */
  onItem: (object: RawObject) => string;
}

interface Page {
  metadata?: { resourceVersion?: string; continue?: string };
  /** Null: none, in lists of metadata (seen on kube-apiserver 1.37). */
  items?: RawObject[] | null;
}

const TIMEOUT_MS = 60_000;
/**
 * One page, and a whole collection in one piece, as they come over the wire: in memory an answer is some six times
 * that while it is read. etcd stores up to 1.5 MiB of one object, and 500 of them would be more than the heap.
 */
const LARGEST_PAGE_BYTES = 12 * 1024 * 1024;
const LARGEST_LIST_BYTES = 32 * 1024 * 1024;
/** One object of the quorum; while it is asked for nothing is watched. A busy server lets it wait for 15 s. */
const VERSION_TIMEOUT_MS = 20_000;

/**
 * The version of a collection as etcd's quorum has it now. Without the selector, which the API server might have to
 * read everything for.
 * @throws KubeError
 */
export async function currentVersion(
  client: Pick<KubeClient, 'request'>,
  { path, metadataOnly, signal }: Pick<ListOptions, 'path' | 'metadataOnly' | 'signal'>,
): Promise<string> {
  const page = await client.request<Page>({
    method: 'GET',
    path,
    query: { limit: 1 },
    accept: metadataOnly ? METADATA_LIST : OBJECT,
    timeoutMs: VERSION_TIMEOUT_MS,
    signal,
  });
  if (!page?.metadata?.resourceVersion) throw new KubeError(0, { code: 'Malformed' });
  return page.metadata.resourceVersion;
}

/**
 * Lists a collection page by page. The pages are one snapshot; when the server has dropped it between two pages
 * (410), the list is asked for in one piece, as client-go's pager does. A page that is too large is asked for again
 * with fewer objects.
 * @returns what `onItem` said of the snapshot's objects, and its resourceVersion, to watch from
 * @throws KubeError
 */
export async function listAll(
  client: Pick<KubeClient, 'request'>,
  options: ListOptions,
): Promise<{ keys: Set<string>; resourceVersion: string }> {
  const { path, metadataOnly, labelSelector, pageSize, signal, onItem } = options;
  const accept = metadataOnly ? METADATA_LIST : OBJECT;
  let limit: number | undefined = pageSize;
  let next: string | undefined;
  const keys = new Set<string>();
  for (;;) {
    let page: Page;
    try {
      const query = { limit, continue: next, labelSelector };
      page = await client.request<Page>({
        method: 'GET',
        path,
        query,
        accept,
        timeoutMs: TIMEOUT_MS,
        largestBytes: limit === undefined ? LARGEST_LIST_BYTES : LARGEST_PAGE_BYTES,
        signal,
      });
    } catch (error) {
      if (limit !== undefined && limit > 1 && error instanceof KubeError && error.code === 'TooLarge') {
        limit = Math.ceil(limit / 8);
        continue;
      }
      if (next === undefined || !(error instanceof KubeError) || error.status !== 410) throw error;
      next = limit = undefined;
      keys.clear();
      continue;
    }
    const { items: some, metadata } = page ?? {};
    const items = some === null ? [] : some;
    // An absent resourceVersion would start the watch anywhere.
    if (!Array.isArray(items) || !metadata?.resourceVersion) throw new KubeError(0, { code: 'Malformed' });
    for (const item of items) keys.add(onItem(item));
    next = metadata.continue || undefined;
    if (next === undefined) return { keys, resourceVersion: metadata.resourceVersion };
  }
}
