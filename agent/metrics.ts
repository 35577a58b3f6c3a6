import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { registerProcessMetrics } from './process-metrics.ts';

const PREFIX = 'vsecm_agent_';

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
    identityExpiry: gauge('identity_expiry_timestamp_seconds', 'When the X.509-SVID in use expires, Unix time; 0 without one'),
    identityUpdates: counter('identity_updates_total', 'Messages of the Workload API by result', ['result']),
    safeRequests: counter('safe_requests_total', 'Requests to Safe by result code', ['code']),
    safeDuration: histogram('safe_request_duration_seconds', 'Time of a request to Safe, connect to last byte'),
    safeAnswerBytes: gauge('safe_answer_bytes', 'Size of the last answer of Safe'),
    safeCacheBytes: gauge('safe_cache_bytes', 'Bytes of answers held in memory'),
    kubeRequests: counter('kube_requests_total', 'Requests to the API server by method and status', ['method', 'status']),
    kubeWatchRestarts: counter('kube_watch_restarts_total', 'Watches that were opened again, by resource and reason', ['resource', 'reason']),
    reconciles: counter('reconciles_total', 'Looks at a resource by result code', ['code']),
    secretWrites: counter('secret_writes_total', 'Applied Secrets by result', ['result']),
    statusWrites: counter('status_writes_total', 'Written statuses by result', ['result']),
    resources: gauge('resources', 'VSecMSecrets this agent serves, by state', ['state']),
    members: gauge('members', 'Agents that take part, as this one sees them'),
    ownedNamespaces: gauge('owned_namespaces', 'Namespaces with resources that are served by this agent'),
    handovers: counter('handovers_total', 'Namespaces that came to or left this agent while it ran', ['direction']),
    queueDepth: gauge('queue_depth', 'Keys that wait to be looked at'),
  };
}

/** All metrics of one agent, with the registry that renders them. */
export type Metrics = ReturnType<typeof createMetrics>;
