import { parseJson } from './body.ts';
import { KubeError } from './error.ts';

/** As much of an object as lists and watches need; parsers look at the rest. */
export interface RawObject {
  metadata?: {
    name?: string;
    namespace?: string;
    resourceVersion?: string;
    annotations?: Record<string, string>;
  };
}

/** One event of a watch. ERROR events are thrown as KubeError. */
export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: RawObject;
}

/** Reads one line of a watch. @throws KubeError for what is no event, and in place of an ERROR event */
export function parseEvent(line: string): WatchEvent {
  const event = parseJson(line) as { type?: string; object?: RawObject & { code?: number } } | null;
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type: event.type, object: event.object ?? {} };
    case 'ERROR':
      throw KubeError.fromStatus(Number(event.object?.code) || 500, event.object);
    default:
      throw new KubeError(0, { code: 'Malformed' });
  }
}
