import type { Code, RefFailure } from './reasons.ts';

/** The port on the pod's loopback that serves `/state.json` and the node page, unless told otherwise. */
export const DEFAULT_PAGE_PORT = 9465;

/** A failure of one Safe, as seen from one agent. Times are RFC 3339. */
export interface SafeFailureState {
  code: Code;
  since: string;
  /** Failed requests in a row. */
  attempts: number;
  nextRetry: string;
  /** A code such as ECONNREFUSED. */
  cause?: string;
  hint: string;
}

/** What one agent knows about a Safe URL that resources of its use. */
export interface SafeState {
  url: string;
  lastSuccess?: string;
  /** Age of the answer that is in memory. */
  answerAgeSeconds?: number;
  /** How many secrets the last answer held. */
  secrets?: number;
  /** Whether the answer told the names of its secrets. */
  named?: boolean;
  failure?: SafeFailureState;
  /** Resources that are refreshed together. */
  groups: { intervalSeconds: number; members: number; nextDue?: string }[];
}

/** A Safe that resources may name, and what would verify it. */
export interface DeclaredSafeState {
  url: string;
  /** What is asked instead. */
  dial: string;
  trustDomain: string;
  /** The trust bundle of that trust domain; absent: SPIRE gives none. Times are RFC 3339. */
  bundle?: { roots: number; since: string; notAfter: string };
}

/** What came of meeting a Safe, without asking it anything. */
export interface SafeMeetingState extends DeclaredSafeState {
  /** How far it came: 'lookup' (of the name), 'connecting' (TCP), 'handshake' (TLS), 'waiting': both sides are verified. Absent: nothing was tried. */
  reached?: string;
  /** SPIFFE ID of whoever answered. */
  peerSpiffeId?: string;
  failure?: { code: Code; cause?: string; hint: string };
}

/** Which VSecMSecret. */
export interface ResourceName {
  namespace: string;
  name: string;
}

/** One VSecMSecret that the agent owns. */
export interface ResourceState {
  namespace: string;
  name: string;
  /** Name of the Kubernetes Secret. */
  secret?: string;
  state: 'synced' | 'failing' | 'waiting' | 'suspended';
  code?: Code;
  message?: string;
  hint?: string;
  since?: string;
  /** When the agent looks at it again on its own. */
  nextLook?: string;
  lastWrite?: string;
  /** The refs that led nowhere when the agent last looked, the first of them; none is told in a list of resources. */
  refs: RefFailure[];
}

/**
 * What `/state.json` of one agent tells: names and times (RFC 3339) only, never a value of a secret. Nothing is
 * looked up for it: it is what the last looks found.
 */
export interface AgentState {
  version: string;
  node: string;
  pod: string;
  startedAt: string;
  identity: { spiffeId?: string; notAfter?: string; failure?: { code: Code; cause?: string } };
  ownership: {
    role?: string;
    members: string[];
    owners: string[];
    /** Whether this agent's pod stands in the Service's EndpointSlices. */
    present: boolean;
    /** How many namespaces with resources it owns. */
    namespaces: number;
  };
  safes: SafeState[];
  /** All Safes that resources may name, the home one first. */
  declared?: DeclaredSafeState[];
  /** Those in trouble first, as many as there is room for; or the one that was asked for. */
  resources: ResourceState[];
  /** How many there are in each state; absent if one was asked for. */
  counts?: Record<ResourceState['state'], number>;
}
