import { printable, shortened } from './printable.ts';
import { shellWord } from './shell-word.ts';

/** What a hint may mention: names only, never values. Absent parts show as placeholders. */
export interface HintContext {
  namespace?: string | undefined;
  /** The VSecMSecret's name. */
  name?: string | undefined;
  /** The Kubernetes Secret's name. */
  target?: string | undefined;
  /** Name of the secret in Safe, without `raw:`, as the resource's author wrote it. */
  secret?: string | undefined;
  /** What `safe -n` must say for the resource's namespace, where that is not its name. */
  grantee?: string | undefined;
  /** The Secret is somebody else's. */
  theirs?: boolean | undefined;
  /** What kind of thing refused a write. */
  refusedBy?: 'rights' | 'quota' | 'policy' | 'webhook' | undefined;
  safeURL?: string | undefined;
  /** The Safe is not the home one, so perhaps in another cluster. */
  elsewhere?: boolean | undefined;
  spiffeID?: string | undefined;
  /** A workload as `kind/name`. */
  workload?: string | undefined;
  trustDomain?: string | undefined;
  /** The agent's pod. */
  pod?: string | undefined;
  /** When the certificate that failed is valid, and what the node's clock said, Unix milliseconds. */
  dates?: { notBefore: number; notAfter: number; clock: number } | undefined;
}

/** Where in the chain from resource to Secret something failed. */
export type Stage = 'spec' | 'identity' | 'connect' | 'fetch' | 'resolve' | 'write' | 'restart';

interface Entry {
  stage: Stage;
  /** One sentence for the documentation. */
  meaning: string;
  /** What the reader can do now, with the command to type. */
  hint: (context: HintContext) => string;
}

const namespaceOf = (c: HintContext): string => `-n ${shellWord(c.namespace ?? 'NAMESPACE')}`;
const resourceOf = (c: HintContext): string => `${shellWord(`vss/${c.name ?? 'NAME'}`)} ${namespaceOf(c)}`;
const targetOf = (c: HintContext): string => `${shellWord(c.target ?? 'SECRET')} ${namespaceOf(c)}`;
/**
 * Characters of a message, and of a word in a hint. Both stand in the status, which every agent keeps of every
 * resource, and a ref can have 1,024 characters, each written as twelve.
 */
const MAX_MESSAGE = 800;
const MAX_WORD = 160;
const register = ({ secret = 'SECRET', ...c }: HintContext): string => {
  const word = shellWord(`raw:${secret}`);
  return `safe -w ${word.length > MAX_WORD ? 'raw:SECRET' : word} -n ${shellWord(c.grantee ?? c.namespace ?? 'NAMESPACE')} -s 'VALUE'`;
};

const time = (ms: number): string => new Date(ms).toISOString();
/** When a certificate is valid beside what the clock of the agent's node said. */
const validity = (whose: string, { dates }: HintContext): string =>
  dates === undefined
    ? ''
    : `${whose} is valid from ${time(dates.notBefore)} to ${time(dates.notAfter)}, and the clock of the agent's node says ${time(dates.clock)}: `;
/** What to do about a write that was refused, by what kind of thing refused it. */
const REFUSED_BY: Record<NonNullable<HintContext['refusedBy']>, (c: HintContext) => string> = {
  rights: (c) =>
    `kubectl auth can-i patch secrets ${namespaceOf(c)} --as=system:serviceaccount:vsecm-agent:vsecm-agent; look for admission policies on secrets`,
  quota: (c) => `Raise the quota or make room: kubectl describe resourcequota ${namespaceOf(c)}`,
  policy: () =>
    'See which policy: kubectl get validatingadmissionpolicybindings; for vsecm-agent-secrets consent lies on the Secret',
  webhook: () =>
    'See which webhook: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations',
};

/**
 * The one vocabulary of failures: status, log, Events, metric labels and the command line all use these
 * codes. A hint is completed with names from the resource at hand.
 */
export const REASONS = {
  InvalidSpec: {
    stage: 'spec',
    meaning: 'The VSecMSecret does not parse; the message names the field.',
    hint: (c) => `Correct the field: kubectl edit ${resourceOf(c)}`,
  },
  SafeNotAllowed: {
    stage: 'spec',
    meaning: 'The resource names a Safe that the operator of the agents has not allowed.',
    hint: () =>
      'Leave spec.vsecmSafeURL out to use the default Safe, or have the URL added to VSECM_AGENT_SAFES of the DaemonSet vsecm-agent',
  },
  SocketUnavailable: {
    stage: 'identity',
    meaning: 'The SPIRE Workload API socket of the node does not answer.',
    hint: () =>
      'Look at the SPIRE agent of this node: kubectl get pods -n spire-system -o wide; the CSI volume csi.spiffe.io must be mounted at the path of SPIFFE_ENDPOINT_SOCKET',
  },
  SocketOrphaned: {
    stage: 'identity',
    meaning:
      "The folder of the SPIRE Workload API was made anew on the node, and this pod's mount still shows the old one: no socket will appear there.",
    hint: (c) =>
      `Make the pod anew, SPIRE itself is well: kubectl delete pod -n vsecm-agent ${shellWord(c.pod ?? 'POD')}`,
  },
  NoIdentity: {
    stage: 'identity',
    meaning: 'SPIRE issues no SVID to this pod. Normal for some seconds after installation.',
    hint: () =>
      'If it lasts: kubectl get clusterspiffeid vsecm-agent -o yaml; its className, selectors and the labels of namespace and pod must match',
  },
  IdentityNotScout: {
    stage: 'identity',
    meaning: 'SPIRE issued an SVID whose workload name is not vsecm-scout, so Safe would not answer.',
    // The template's own word for the trust domain: a failure may be about a Safe of another one.
    hint: () =>
      'The ClusterSPIFFEID needs spiffeIDTemplate: spiffe://{{ .TrustDomain }}/workload/vsecm-scout/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}/n/{{ .PodMeta.Name }}; kubectl get clusterspiffeid -o yaml',
  },
  IdentityExpired: {
    stage: 'identity',
    meaning: 'The SVID expired and SPIRE has not renewed it.',
    hint: (c) =>
      `${validity('The SVID', c)}if the clock is wrong, set it; if not, look at the SPIRE server and agents: kubectl get pods -n spire-server; kubectl get pods -n spire-system -o wide`,
  },
  SafeUnreachable: {
    stage: 'connect',
    meaning: 'No connection to Safe: name look-up, network, or nobody listens.',
    hint: () =>
      'kubectl get pods,endpointslices -n vsecm-system -l app.kubernetes.io/name=vsecm-safe; check network policies from namespace vsecm-agent to port 8443',
  },
  SafeTimeout: {
    stage: 'connect',
    meaning: 'Safe did not finish its answer within VSECM_AGENT_SAFE_TIMEOUT.',
    hint: () =>
      'kubectl top pod -n vsecm-system; kubectl logs -n vsecm-system statefulset/vsecm-safe; raise VSECM_AGENT_SAFE_TIMEOUT if Safe is only slow',
  },
  TrustDomainNotFederated: {
    stage: 'connect',
    meaning:
      "SPIRE gives this agent no trust bundle of the Safe's trust domain, so nothing could verify that Safe; no connection is opened.",
    hint: (c) =>
      `The ClusterSPIFFEID vsecm-agent needs federatesWith: [${c.trustDomain ?? 'TRUST_DOMAIN'}], and SPIRE a ClusterFederatedTrustDomain of that name with className vsecm: kubectl get clusterspiffeid vsecm-agent -o yaml; kubectl get clusterfederatedtrustdomains -o yaml; docs/federation.md`,
  },
  SafeNotTrusted: {
    stage: 'connect',
    meaning: 'The certificate of the peer does not verify against the trust bundle.',
    hint: (c) =>
      c.dates
        ? `${validity("Safe's certificate", c)}set the clock that is wrong, the node's or that of SPIRE's server; if both are right, Safe has an old SVID: kubectl rollout restart -n vsecm-system statefulset/vsecm-safe`
        : `The peer must show a certificate that a root of trust domain ${c.trustDomain ?? 'TRUST_DOMAIN'} has signed. Compare SPIFFE_TRUST_DOMAIN, or trustDomain in VSECM_AGENT_SAFES, with the URL; if Safe's SVID has expired: kubectl rollout restart -n vsecm-system statefulset/vsecm-safe; if the bundle of another trust domain is old: kubectl get clusterfederatedtrustdomains -o yaml`,
  },
  SafeWrongIdentity: {
    stage: 'connect',
    meaning: 'The peer is trusted but is not VSecM Safe by its SPIFFE ID.',
    hint: () =>
      "The agent's log shows both IDs; compare with VSECM_SPIFFEID_PREFIX_SAFE, or spiffeID in VSECM_AGENT_SAFES, and with the URL",
  },
  SafeRejectedIdentity: {
    stage: 'connect',
    meaning: "Safe closed the connection on the agent's certificate.",
    hint: (c) =>
      `Safe accepts IDs that match its VSECM_SPIFFEID_PREFIX_WORKLOAD and VSECM_WORKLOAD_NAME_REGEXP; compare with the spiffeID in the log line, and the trust domains of both: where they differ, Safe's own ClusterSPIFFEID needs federatesWith too (docs/federation.md). It also refuses an SVID that is not valid by its own clock. ${validity("The agent's SVID", c)}compare with the clock of Safe's node`,
  },
  SafeNotReady: {
    stage: 'fetch',
    meaning: 'Safe is up but cannot serve: no root key yet (400), or its store is away (503).',
    hint: () =>
      'kubectl logs -n vsecm-system statefulset/vsecm-safe; in manual mode give the root key: safe -i "$(cat keys.txt)"',
  },
  SafeHasNoSecrets: {
    stage: 'fetch',
    meaning: 'Safe answered 404: it holds no raw: secret, or could not read its store.',
    hint: (c) => `Register one: ${register(c)}`,
  },
  SafeError: {
    stage: 'fetch',
    meaning: 'Safe answered with a status that the agent does not know.',
    hint: () => 'kubectl logs -n vsecm-system statefulset/vsecm-safe; check that the URL is the one of Safe',
  },
  ResponseTooLarge: {
    stage: 'fetch',
    meaning:
      "Safe's answer exceeds VSECM_AGENT_RESPONSE_BYTES, or this Safe's share of VSECM_AGENT_CACHE_BYTES: each Safe has an equal one.",
    hint: () =>
      'Raise VSECM_AGENT_RESPONSE_BYTES and VSECM_AGENT_CACHE_BYTES (and the memory limit) of the DaemonSet vsecm-agent, or delete secrets that are not needed',
  },
  ResponseMalformed: {
    stage: 'fetch',
    meaning: "Safe's answer is not what Safe's API promises, or is empty.",
    hint: () =>
      'kubectl logs -n vsecm-system statefulset/vsecm-safe; "Problem marshaling secrets" there means that one secret has a date that cannot be printed: delete that secret',
  },
  UnnamedSecret: {
    stage: 'resolve',
    meaning:
      'Safe answered with a bare value, as it does while it knows only one raw: secret: neither its name nor its grants are known.',
    hint: () =>
      'Register any second secret: safe -w raw:vsecm-agent-placeholder -n vsecm-agent -s "$(openssl rand -hex 16)"',
  },
  UnprovenAnswer: {
    stage: 'resolve',
    meaning:
      "Safe's answer looks like its list of secrets, but the placeholder that VSECM_AGENT_ANSWER_PROOF tells of is not in it: Safe has lost it, or the list is a value that somebody registered.",
    hint: () =>
      'Register the placeholder with the value whose SHA-256 VSECM_AGENT_ANSWER_PROOF is, or with a new one: PLACEHOLDER="$(openssl rand -hex 16)"; safe -w raw:vsecm-agent-placeholder -n vsecm-agent -s "$PLACEHOLDER"; printf %s "$PLACEHOLDER" | sha256sum',
  },
  RefInvalid: {
    stage: 'resolve',
    meaning:
      'The secret is granted, but is not what the ref needs: nested too deep for a path, not the YAML that its format says, or no object for dataFrom.',
    hint: (c) =>
      `Register JSON, or YAML without aliases, of at most 64 levels, for dataFrom an object: ${register(c)}; or take the secret whole, by its name alone in data: kubectl edit ${resourceOf(c)}`,
  },
  RefNotFound: {
    stage: 'resolve',
    meaning: 'The secret is granted, but holds nothing at this path.',
    hint: (c) =>
      `Compare the ref with what was registered, or register again (this replaces value, namespaces and template): ${register(c)}`,
  },
  RefAmbiguous: {
    stage: 'resolve',
    meaning: 'A ref matches more than one thing, or two sources give the same key.',
    hint: () =>
      "Say which one by a JSONPath: $['app.b'].password names the secret in full, [?(@.name=='text')] picks one of a list; kubectl explain vss.spec.data.ref",
  },
  RefIsNull: {
    stage: 'resolve',
    meaning: 'The value at this path is null.',
    hint: (c) => `Register a value: ${register(c)}`,
  },
  TemplateFailed: {
    stage: 'resolve',
    meaning:
      'A template cannot be filled in: a member is missing or null, or its text is not what a filter takes.',
    hint: (c) =>
      `Register what is missing (${register(c)}), or say what stands for it, {{ name.member | default: "text" }}: kubectl edit ${resourceOf(c)}`,
  },
  NotGranted: {
    stage: 'resolve',
    meaning:
      "No secret that is granted to the resource's namespace has a name that fits the ref, whether it exists or not.",
    hint: (c) =>
      `Whoever owns the secret registers it for this namespace (this replaces value, namespaces and template): ${register(c)}`,
  },
  NotYetValid: {
    stage: 'resolve',
    meaning: "The secret's notBefore lies in the future.",
    hint: () => 'Nothing to do: the agent looks again at that moment',
  },
  Expired: {
    stage: 'resolve',
    meaning: "The secret's expiresAfter has passed; the Kubernetes Secret was left as it is.",
    hint: (c) => `Register it anew with a later date (-E): ${register(c)}`,
  },
  ValueInvalid: {
    stage: 'resolve',
    meaning:
      'A value cannot be stored where the resource wants it: key syntax, label value, encoding, what spec.target.type demands.',
    hint: (c) => `The message names the key: kubectl describe ${resourceOf(c)}`,
  },
  LimitExceeded: {
    stage: 'resolve',
    meaning:
      'The refs take more than one resource may have: a secret that is too large to be looked into, too many refs, or too many readings of them; the message says which limit.',
    hint: (c) =>
      `Take a large secret whole, by its name alone, or register it in parts; spread the refs over several VSecMSecrets: kubectl edit ${resourceOf(c)}`,
  },
  TargetConflict: {
    stage: 'write',
    meaning: 'The Secret belongs to somebody else, or another VSecMSecret holds it.',
    hint: (c) =>
      `Choose another spec.target.name, or consent on the Secret: kubectl annotate secret ${targetOf(c)} vsecm.com/allow-adoption=true`,
  },
  TargetContested: {
    stage: 'write',
    meaning:
      'Somebody changes our fields of the Secret again and again; each repair waits longer than the last.',
    hint: (c) =>
      `See who: kubectl get secret ${targetOf(c)} --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'; take the Secret out of what that tool manages, or choose another spec.target.name`,
  },
  TargetMissing: {
    stage: 'write',
    meaning: 'creationPolicy Merge needs a Secret that exists.',
    hint: (c) => `Create it, or use creationPolicy Owner: kubectl get secret ${targetOf(c)}`,
  },
  TargetImmutable: {
    stage: 'write',
    meaning: 'The content of an immutable Secret would have to change.',
    hint: (c) =>
      c.theirs
        ? `It is somebody else's: choose another spec.target.name, or ask its owner: kubectl get secret ${targetOf(c)} -o yaml`
        : `Delete it to have it made again: kubectl delete secret ${targetOf(c)}`,
  },
  WriteForbidden: {
    stage: 'write',
    meaning: 'The API server forbids the write: RBAC or an admission policy.',
    hint: (c) => REFUSED_BY[c.refusedBy ?? 'rights'](c),
  },
  WriteRejected: {
    stage: 'write',
    meaning: 'The API server rejects the Secret as invalid; the message names the fields.',
    hint: (c) =>
      c.refusedBy
        ? REFUSED_BY[c.refusedBy](c)
        : `Correct what feeds the named fields: kubectl edit ${resourceOf(c)}`,
  },
  SecretTooLarge: {
    stage: 'write',
    meaning: 'The Secret would exceed 1 MiB.',
    hint: (c) => `Spread the keys over several VSecMSecrets: kubectl edit ${resourceOf(c)}`,
  },
  ApiUnavailable: {
    stage: 'write',
    meaning: 'The Kubernetes API server does not answer or asks to wait.',
    hint: () => 'Nothing to do if it passes: the agent goes on trying; kubectl get --raw /readyz',
  },
  RestartNotAllowed: {
    stage: 'restart',
    meaning:
      'The Secret is written; a workload of spec.restart does not consent, or the agent has no rights on workloads there.',
    hint: (c) =>
      `Consent: kubectl annotate ${shellWord(c.workload ?? 'KIND/NAME')} ${namespaceOf(c)} vsecm.com/allow-restart=true; the rights come with daemonset/optional/restart. Or restart it by hand: kubectl rollout restart ${shellWord(c.workload ?? 'KIND/NAME')} ${namespaceOf(c)}`,
  },
  RestartFailed: {
    stage: 'restart',
    meaning: 'The Secret is written; a workload of spec.restart does not exist or could not be marked.',
    hint: (c) =>
      `The agent goes on trying. kubectl get ${shellWord(c.workload ?? 'KIND/NAME')} ${namespaceOf(c)}; a name that is wrong: kubectl edit ${resourceOf(c)}`,
  },
} as const satisfies Record<string, Entry>;

export type Code = keyof typeof REASONS;

/** The stage a code belongs to. */
export const stageOf = (code: Code): Stage => REASONS[code].stage;

/** Whether a failure tells about Safe or the agent's identity, and so nothing about the resource or its Secret. */
export const isOutside = (code: Code): boolean => ['identity', 'connect', 'fetch'].includes(stageOf(code));

/** Whose hints are typed where the Safe is. */
const AT_SAFE: ReadonlySet<Code> = new Set([
  'SafeUnreachable',
  'SafeTimeout',
  'SafeNotReady',
  'SafeHasNoSecrets',
  'SafeError',
  'ResponseMalformed',
  'UnnamedSecret',
  'UnprovenAnswer',
  'RefNotFound',
  'RefIsNull',
  'NotGranted',
  'Expired',
]);

/** The hint of a code, completed with the names at hand, as words of the commands in it. */
export function hintFor(code: Code, context: HintContext = {}): string {
  const hint = (REASONS[code] as Entry).hint(context);
  const there = context.elsewhere === true && AT_SAFE.has(code);
  return printable(there ? `In the cluster of that Safe: ${hint}` : hint);
}

/** A ref that leads nowhere, or a template that cannot be filled in. */
export interface RefFailure {
  /** Where it stands in the resource, such as `spec.data[3].ref`. */
  readonly where: string;
  /** Empty for a template. */
  readonly ref: string;
  readonly code: Code;
}

/** Details of a failure that decide what happens next. */
export interface FailureOptions {
  /** Names for the hint. */
  context?: HintContext;
  /** When to look again by itself, Unix milliseconds (`notBefore`, `expiresAfter`). */
  wakeAt?: number;
  /** The server asked to wait this long, milliseconds. */
  retryAfterMs?: number;
  /** The refs that fail, the first of them. */
  refs?: readonly RefFailure[];
  /** A system or library code for the log, such as ECONNREFUSED; never a message. */
  reason?: string;
}

/**
 * A failure of one resource. Its message is built from names and codes alone, and what cannot be shown is escaped, so it
 * may be shown to anybody.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: Code;
  readonly context: HintContext;
  readonly wakeAt: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly reason: string | undefined;
  readonly refs: readonly RefFailure[];

  constructor(code: Code, message: string, options: FailureOptions = {}) {
    super(shortened(message, MAX_MESSAGE));
    this.code = code;
    this.context = options.context ?? {};
    this.wakeAt = options.wakeAt;
    this.retryAfterMs = options.retryAfterMs;
    this.reason = options.reason;
    this.refs = options.refs ?? [];
  }

  get stage(): Stage {
    return stageOf(this.code);
  }

  /** The same failure with more names for its hint; its own names win. */
  within(context: HintContext): Failure {
    const { code, message, refs, wakeAt, retryAfterMs, reason } = this;
    return new Failure(code, message, {
      context: { ...context, ...this.context },
      refs,
      ...(wakeAt !== undefined && { wakeAt }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(reason !== undefined && { reason }),
    });
  }
}
