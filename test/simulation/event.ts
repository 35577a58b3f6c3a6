import type { Weather } from './safe.ts';
import type { Trouble } from './trouble.ts';

/** A VSecMSecret's spec, or a change of it by JSON merge patch. */
export type Spec = Record<string, unknown>;

/**
 * What happens to the world from outside. Resources, secrets of Safe and nodes go by number; Secrets by the number of the
 * resource in whose namespace they are, and their name. `ms` is how long something lasts.
 */
export type Happening =
  // People and tools
  | { do: 'create'; resource: number; spec?: Spec }
  | { do: 'change'; resource: number; spec: Spec }
  | { do: 'delete'; resource: number; how: 'background' | 'foreground' | 'orphan' }
  | { do: 'replace'; resource: number; spec?: Spec }
  | { do: 'refresh'; resource: number }
  | { do: 'edit-secret'; resource: number; name: string }
  | { do: 'delete-secret'; resource: number; name: string }
  | { do: 'make-secret'; resource: number; name: string; data: Record<string, string>; consent?: boolean }
  | { do: 'annotate-secret'; resource: number; name: string; annotations: Record<string, string | null> }
  | { do: 'force-fields'; resource: number; name: string }
  // Safe
  | { do: 'rotate'; secret: number; expiresMs?: number }
  | { do: 'lose-secret'; secret: number }
  | { do: 'safe'; weather: Weather; ms: number }
  // Agents and their nodes
  | { do: 'crash'; node: number; ms: number }
  | { do: 'roll'; node: number; ms: number }
  | { do: 'lose-node'; node: number; ms: number }
  | { do: 'freeze'; node: number; ms: number }
  | { do: 'unready'; node: number; ms: number }
  | { do: 'withdraw'; node: number; ms: number }
  | { do: 'starve'; node: number; ms: number }
  | { do: 'skew'; node: number; ms: number }
  /** From its next start on. */
  | { do: 'configure'; node: number; maxOwners?: number; alone?: boolean }
  // The API servers, and the network
  | { do: 'api'; trouble: Trouble & { node?: number }; ms: number }
  | {
      do: 'lag';
      server: number;
      resource: 'secrets' | 'vsecmsecrets' | 'endpointslices';
      lagMs: number;
      ms: number;
    }
  | { do: 'cut'; node: number; what: 'requests' | 'watches' | 'safe' | 'all'; ms: number }
  | { do: 'mute'; node: number }
  | { do: 'drop'; node: number }
  /** Requests wait for a connection, up to two seconds each. */
  | { do: 'jam'; node: number; ms: number };

/** Something that happens at a time: milliseconds since the start. */
export type Event = { at: number } & Happening;

/** In words, for people. */
export function told({ at: _, do: what, ...details }: Event): string {
  const words = Object.entries(details).map(([name, value]) =>
    typeof value === 'object' ? `${name}=${JSON.stringify(value)}` : `${name}=${value}`,
  );
  return [what, ...words].join(' ');
}
