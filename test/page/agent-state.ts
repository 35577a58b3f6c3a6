import type { AgentState, ResourceState } from '../../agent/api/state.ts';

/** A resource that is as it should be, except for `more`. */
export const resource = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  namespace: 'shop',
  name,
  secret: name,
  state: 'synced',
  lastWrite: '2026-01-01T00:00:00Z',
  nextLook: '2026-01-01T01:00:00.000Z',
  refs: [],
  ...more,
});

/** A resource whose ref leads nowhere. */
export const failing = (name: string, since: string): ResourceState =>
  resource(name, {
    state: 'failing',
    code: 'RefNotFound',
    message: 'spec.data[0].ref: the secret is granted, but holds nothing at this path',
    hint: "Register it: safe -w raw:db -n shop -s 'VALUE'",
    since,
    refs: [],
  });

/** An agent that is well, except for `more`. */
export const agentState = (more: Partial<AgentState> = {}): AgentState => ({
  version: '0.1.0',
  node: 'node-1',
  pod: 'vsecm-agent-x',
  startedAt: '2026-01-01T00:00:00.000Z',
  identity: {
    spiffeId: 'spiffe://vsecm.com/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/vsecm-agent-x',
    notAfter: '2026-01-01T01:00:00.000Z',
  },
  ownership: {
    role: 'owner',
    members: ['node-1', 'node-2'],
    owners: ['node-1'],
    present: true,
    namespaces: 1,
  },
  safes: [
    {
      url: 'https://safe.example',
      lastSuccess: '2026-01-01T00:00:00.000Z',
      answerAgeSeconds: 5,
      secrets: 2,
      named: true,
      groups: [{ intervalSeconds: 3_600, members: 1, nextDue: '2026-01-01T00:30:00.000Z' }],
    },
  ],
  resources: [resource('db')],
  ...more,
});
