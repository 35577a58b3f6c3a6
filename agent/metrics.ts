// Not its index, which brings OpenTelemetry and t-digests for what is not used here.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import { registerProcessMetrics } from './process-metrics.ts';

const PREFIX = 'vsecm_agent_';

/**
 * Sizes of what belongs to many tenants are told in whole MiB, rounded up: `/metrics` needs no credentials, and to the
 * byte they would tell each how long a value of another is.
 */
export const inSteps = (bytes: number): number => Math.ceil(bytes / 2 ** 20) * 2 ** 20;

/** Declares every metric of the agent in one place; labels never hold names of resources or secrets. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  registerProcessMetrics(registry);
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Histogram({
      name: PREFIX + name,
      help,
      labelNames,
      registers,
      buckets: [0.005, 0.02, 0.1, 0.5, 1, 5, 10, 30],
    });

  return {
    registry,
    identityExpiry: gauge(
      'identity_expiry_timestamp_seconds',
      'When the X.509-SVID in use expires, Unix time; 0 without one',
    ),
    identityIssued: gauge(
      'identity_issued_timestamp_seconds',
      'From when on the X.509-SVID in use is valid, Unix time; 0 without one',
    ),
    identityUpdates: counter('identity_updates_total', 'Messages of the Workload API by result', ['result']),
    safeRequests: counter('safe_requests_total', 'Requests to Safe by Safe URL and result code', [
      'url',
      'code',
    ]),
    safeDuration: histogram(
      'safe_request_duration_seconds',
      'Time of a request to Safe, connect to last byte, by Safe URL',
      ['url'],
    ),
    safeAnswerBytes: gauge(
      'safe_answer_bytes',
      'Size of the last answer of Safe, rounded up to whole MiB, by Safe URL',
      ['url'],
    ),
    safeAnswerAge: gauge('safe_answer_age_seconds', 'Age of the answer in memory, by Safe URL', ['url']),
    safeSecrets: gauge('safe_secrets', 'Secrets in the last good answer, by Safe URL', ['url']),
    safeLastSuccess: gauge(
      'safe_last_success_timestamp_seconds',
      'When the request began that Safe last answered well, Unix time, by Safe URL',
      ['url'],
    ),
    safeFailing: gauge(
      'safe_failing_since_timestamp_seconds',
      'Since when fetching from a Safe fails, Unix time, by Safe URL, stage and code; absent while it does not',
      ['url', 'stage', 'code'],
    ),
    safeBundleExpiry: gauge(
      'safe_bundle_expiry_timestamp_seconds',
      'When the last root of the trust bundle that verifies a Safe expires, Unix time, by Safe URL; 0 without a bundle',
      ['url'],
    ),
    safeCacheBytes: gauge('safe_cache_bytes', 'Bytes of answers held in memory, rounded up to whole MiB'),
    safeCacheLookups: counter(
      'safe_cache_lookups_total',
      'Looks at a resource by what memory held for it: fresh; stale, used because Safe fails; miss, which waits for Safe',
      ['result'],
    ),
    safeCacheEvictions: counter(
      'safe_cache_evictions_total',
      'Answers that did not stay in memory for want of space',
    ),
    kubeRequests: counter(
      'kube_requests_total',
      'Requests to the API server by method and status; 0: no answer',
      ['method', 'status'],
    ),
    kubeWatchRestarts: counter(
      'kube_watch_restarts_total',
      'Watches that were opened again, by resource and reason',
      ['resource', 'reason'],
    ),
    reconciles: counter('reconciles_total', 'Looks at a resource by result code', ['code']),
    secretWrites: counter('secret_writes_total', 'Applied Secrets by result', ['result']),
    statusWrites: counter('status_writes_total', 'Written statuses by result', ['result']),
    events: counter('events_total', 'Events by what became of them', ['result']),
    resources: gauge('resources', 'VSecMSecrets this agent serves, by state', ['state']),
    failingResources: gauge(
      'failing_resources',
      'VSecMSecrets this agent serves that fail, by stage and code',
      ['stage', 'code'],
    ),
    staleResources: gauge(
      'stale_resources',
      'VSecMSecrets whose content Safe has not confirmed for longer than their maxStaleness',
    ),
    groupResources: gauge(
      'refresh_group_resources',
      'VSecMSecrets that are refreshed together, by the class of their interval: at most so long',
      ['interval'],
    ),
    members: gauge('members', 'Agents that take part, as this one sees them'),
    role: gauge('role', 'Role of this agent among the members: 1 for the one it has', ['role']),
    ownedNamespaces: gauge('owned_namespaces', 'Namespaces with resources that are served by this agent'),
    handovers: counter('handovers_total', 'Namespaces that came to or left this agent while it ran', [
      'direction',
    ]),
    queueDepth: gauge('queue_depth', 'Keys that wait to be looked at'),
  };
}

/** All metrics of one agent, with the registry that renders them. */
export type Metrics = ReturnType<typeof createMetrics>;
