/** How large a world is, and how long it lasts. */
export interface Setting {
  seed: number;
  agents: number;
  resources: number;
  /** Of Safe. */
  secrets: number;
  namespaces: number;
  minutes: number;
  /** Refresh intervals, by turns. */
  intervals: readonly string[];
  maxOwners: number;
}

export const SMALL: Omit<Setting, 'seed' | 'minutes'> = {
  agents: 3,
  resources: 12,
  secrets: 4,
  namespaces: 4,
  intervals: ['30s', '1h', '5m', '0s'],
  maxOwners: 16,
};

/** How far a node's clock is ahead or behind at most, milliseconds. */
export const MOST_SKEW_MS = 600_000;

/** The agents' own times, milliseconds. */
export const FLOOR_MS = 5_000;
export const HANDOFF_MS = 30_000;
export const STATUS_PACE_MS = 5_000;
export const BACKOFF_CAP_MS = 300_000;
