import { parseSpec, type Spec, type VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import type { Desired } from '../../agent/resolve/desired.ts';
import type { Resource } from '../../agent/api/resource.ts';
import type { KeptSpec } from '../../agent/api/spec-room.ts';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';

/** What a test says of a VSecMSecret; the spec as its author writes it. */
export type ResourceChange = Partial<Omit<Resource, 'spec' | 'targetName'>> & { readonly spec?: unknown };

/** A VSecMSecret `team-a/NAME`, of which a test says only what matters to it. */
export function resourceOf({ spec = specText(), ...change }: ResourceChange = {}): Resource {
  const { namespace = 'team-a', name = 'db' } = change;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: `uid-${name}`,
    resourceVersion: '100',
    generation: 1,
    createdAt: '2026-01-01T00:00:00Z',
    deleting: false,
    refresh: '',
    spec: kept(spec),
    targetName: targetOf(spec) ?? name,
    status: {},
    ...change,
  };
}

const targetOf = (spec: unknown): string | undefined => (spec as { target?: { name?: string } }).target?.name;

/** A spec as it is kept. */
export const kept = (spec: unknown): KeptSpec => ({ text: JSON.stringify(spec) ?? 'null' });

/** The spec of a VSecMSecret as its author writes it. */
export const specText = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  refreshInterval: '10s',
  data: [{ key: 'password', ref: 'app.password' }],
  ...change,
});

/** One that comes due so seldom that a test sees what it did itself. */
export const HOURLY = { refreshInterval: '1h' };

/** An hourly one with another target. */
export const named = (name: string, change: object = {}) =>
  specText({ ...HOURLY, target: { name, ...change } });

export const specOf = (change: Record<string, unknown> = {}): Spec =>
  parseSpec({ metadata: { name: 'db' }, spec: specText(change) });

/** A Secret `team-a/db` as an agent left it. */
export const secretMeta = (change: Partial<SecretMeta> = {}): SecretMeta => ({
  key: 'team-a/db',
  namespace: 'team-a',
  name: 'db',
  uid: 'secret-1',
  resourceVersion: '200',
  managed: true,
  createdByAgent: true,
  adoptable: false,
  appliedAt: '2026-01-01T00:00:00Z',
  ours: 'all',
  others: '',
  lastOther: '',
  ownerUids: ['uid-db'],
  deleting: false,
  seenAt: 0,
  ...change,
});

/** A Secret that nobody of the agents ever touched. */
export const foreignMeta = (change: Partial<SecretMeta> = {}): SecretMeta =>
  secretMeta({
    managed: false,
    createdByAgent: false,
    appliedAt: undefined,
    ours: '',
    others: 'kubectl',
    lastOther: 'kubectl',
    ownerUids: [],
    ...change,
  });

export const desiredOf = (
  data: Record<string, string> = { password: 'x' },
  change: Partial<Desired> = {},
): Desired => ({
  data: new Map(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)])),
  labels: new Map(),
  annotations: new Map(),
  used: ['app'],
  notGranted: [],
  sourceUpdated: '2026-01-01T00:00:00Z',
  ...change,
});

/** Status of a condition, `undefined` if it is not there. */
export const conditionOf = (status: VSecMSecretStatus, type: string): string | undefined =>
  status.conditions?.find((one) => one.type === type)?.status;
