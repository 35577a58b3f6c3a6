interface Declaration {
  type: 'text' | 'number' | 'flag' | 'texts';
  meaning: string;
}

/**
 * Every field that a log line may carry. Values are names, numbers and codes; nothing here is ever filled from
 * the content of a secret, a response body or a library's error message (those quote their input).
 */
export const LOG_FIELDS = {
  node: { type: 'text', meaning: 'Kubernetes node of this agent' },
  otherNode: { type: 'text', meaning: 'Kubernetes node of another agent' },
  pod: { type: 'text', meaning: 'Pod of this agent' },
  version: { type: 'text', meaning: 'Version of this agent' },
  component: { type: 'text', meaning: 'Which part of the agent speaks' },
  safeURL: { type: 'text', meaning: 'The Safe that was asked, as named in the resource or the environment' },
  spiffeID: { type: 'text', meaning: 'SPIFFE ID of this agent' },
  peerSPIFFEID: { type: 'text', meaning: 'SPIFFE ID of the peer that answered in the place of Safe' },
  expectedSPIFFEID: { type: 'text', meaning: 'The SPIFFE ID that was expected' },
  trustDomain: { type: 'text', meaning: 'SPIFFE trust domain' },
  socket: { type: 'text', meaning: 'Address of the Workload API' },
  serial: { type: 'text', meaning: 'Serial number of the X.509-SVID, hex' },
  notAfter: { type: 'text', meaning: 'When the X.509-SVID expires, RFC 3339' },
  stage: { type: 'text', meaning: 'Stage of the failure' },
  code: { type: 'text', meaning: 'Code of the failure, or of the one that ended' },
  cause: {
    type: 'text',
    meaning: "A system's or library's error code, such as ECONNREFUSED; never its message",
  },
  reason: { type: 'text', meaning: "The Kubernetes API server's reason" },
  fields: { type: 'texts', meaning: 'Fields that were complained about' },
  hint: { type: 'text', meaning: 'What the reader can do now' },
  attempt: { type: 'number', meaning: 'How many attempts in a row have failed' },
  nextRetry: { type: 'text', meaning: 'When the next attempt is due, RFC 3339' },
  since: { type: 'text', meaning: 'Since when it fails, RFC 3339' },
  durationSeconds: {
    type: 'number',
    meaning: 'How long it took or lasted; of several resources the longest',
  },
  bySeconds: { type: 'number', meaning: 'How far the clock was set, back if negative' },
  resources: { type: 'number', meaning: 'How many VSecMSecrets are concerned' },
  namespaces: { type: 'number', meaning: 'How many namespaces they are in' },
  names: { type: 'texts', meaning: 'Their names (namespace/name), or those of namespaces, the first 50' },
  count: { type: 'number', meaning: 'How many in all' },
  secrets: { type: 'number', meaning: 'How many Secrets' },
  namespace: { type: 'text', meaning: 'Namespace of the VSecMSecret' },
  name: { type: 'text', meaning: 'Name of the VSecMSecret' },
  secret: { type: 'text', meaning: 'Name of the Kubernetes Secret' },
  workload: { type: 'text', meaning: 'A workload as kind/name' },
  secretName: { type: 'text', meaning: 'Name of a secret in Safe, without raw:' },
  resource: { type: 'text', meaning: 'Kind of Kubernetes objects' },
  ref: { type: 'text', meaning: 'A ref of a VSecMSecret' },
  status: { type: 'number', meaning: 'HTTP status' },
  bytes: { type: 'number', meaning: 'Size' },
  port: { type: 'number', meaning: 'TCP port of health and metrics' },
  pagePort: { type: 'number', meaning: 'TCP port of the page, on loopback' },
  address: { type: 'text', meaning: 'An address' },
  variable: { type: 'text', meaning: 'Name of an environment variable' },
  signal: { type: 'text', meaning: 'The signal that ends the agent' },
  members: { type: 'number', meaning: 'Agents that take part' },
  owners: { type: 'number', meaning: 'Agents that own namespaces' },
  role: { type: 'text', meaning: 'Part of this agent: owner, standby or other' },
  gained: { type: 'number', meaning: 'Namespaces that came to this agent' },
  lost: { type: 'number', meaning: 'Namespaces that left this agent' },
  created: { type: 'flag', meaning: 'Whether the Secret is new' },
  frames: { type: 'texts', meaning: 'Where an unexpected error was thrown, without its message' },
} as const satisfies Record<string, Declaration>;

interface Types {
  text: string;
  number: number;
  flag: boolean;
  texts: string[];
}

/** The fields of one line; see the table. */
export type LogFields = {
  -readonly [Field in keyof typeof LOG_FIELDS]?: Types[(typeof LOG_FIELDS)[Field]['type']];
};
