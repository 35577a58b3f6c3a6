/** Query parameters; `undefined` ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface KubeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  accept?: string;
  /** From the start to the last byte; default 30 s for GET, 10 s for what changes something. */
  timeoutMs?: number;
  /** A longer answer is a failure with the code `TooLarge`; default 256 MiB. */
  largestBytes?: number;
  /** Abandons the request. A write that must finish when the agent ends is given none. */
  signal?: AbortSignal | undefined;
  /**
   * Asked after credentials were read, and once more when a connection is there, right before the request's bytes
   * leave. False: they do not, and the request fails with the code `NotSent`.
   */
  mayLeave?: (() => boolean) | undefined;
}

export interface GetOptions {
  /** Metadata only. */
  metadataOnly?: boolean;
  /**
   * A resourceVersion: the answer may come from a cache that is at least as new as that (an API server that is behind
   * answers 504 with the cause `ResourceVersionTooLarge`). Absent: as etcd's quorum has it now.
   */
  notOlderThan?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface ApplyOptions extends Pick<KubeRequest, 'signal' | 'mayLeave' | 'timeoutMs'> {
  fieldManager: string;
  /** Take fields over from other managers, instead of 409. */
  force: boolean;
  /** Answer with metadata only, so that values do not come back. */
  metadataOnly?: boolean;
  subresource?: string;
}

export interface StreamOptions {
  accept?: string;
  signal: AbortSignal;
  /** How long the server may take to accept; default 30 s, or `silenceMs` if that is less. */
  openingMs?: number;
  /** Nothing for so long, bookmarks included, and the stream counts as dead; looked at when that long has passed. */
  silenceMs: number | (() => number);
  /** The server has accepted the watch. */
  onOpen?: () => void;
}

/** `?…`, or '' without any. */
export function queryString(query: Query): string {
  const pairs = Object.entries(query).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}
