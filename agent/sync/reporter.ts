import { hintFor, isOutside, REASONS, Failure, type Code } from '../api/reasons.ts';
import type { VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { Log, LogFields } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { AlikeLines, Happening } from './alike-lines.ts';
import type { Desired } from '../resolve/desired.ts';
import type { EventSink, Regarding } from './events.ts';
import type { Memory } from './memory.ts';
import type { Resource } from './resource.ts';
import type { Written } from './secret-writer.ts';
import type { SafeSource } from './source.ts';
import type { StatusWriter } from './status-writer.ts';
import { isReady, nextStatus, sameInSubstance, type Outcome } from './status.ts';

export interface ReporterOptions {
  node: string;
  statuses: StatusWriter;
  events: EventSink;
  alike: AlikeLines;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

const FAILS = { level: 'warn', message: 'VSecMSecret fails' } as const;
const RECOVERED = { level: 'info', message: 'VSecMSecret recovered' } as const;

/** Tells what came of a look at a resource: by status, log, Event and metric, each transition once. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** The Secret is as declared. */
  synced(resource: Resource, memory: Memory, desired: Desired, written: Written['result']): void {
    const { log, metrics, events, clock } = this.#options;
    const { namespace, name } = resource;
    const { applied, failure: ended } = memory;
    if (!applied) throw new Error('synced without a Secret');
    metrics.reconciles.inc({ code: 'Synced' });
    memory.failure = undefined;
    this.#warnOfGrants(resource, memory, desired.notGranted);
    if (written !== 'unchanged')
      log.info('Secret written', { namespace, name, secret: applied.name, created: written === 'created' });
    if (ended && !isOutside(ended.code)) {
      this.#tell(resource, RECOVERED, ended.code, durationOf(memory.status, clock.wall()));
      events.publish(
        regarding(resource),
        'Normal',
        'Recovered',
        `Secret ${applied.name} is as declared again`,
      );
    } else if (written === 'created' && !memory.status.secret) {
      events.publish(regarding(resource), 'Normal', 'Synced', `Secret ${applied.name} was created`);
    }
    this.#submit(resource, memory, ended !== undefined && !isOutside(ended.code), {
      secret: { name: applied.name, resourceVersion: applied.resourceVersion },
      written: written !== 'unchanged',
      sourceUpdated: desired.sourceUpdated,
      ...this.#troubleOf(memory.source),
    });
  }

  /** The resource fails; what it has stays as it is. */
  failed(resource: Resource, memory: Memory, failure: Failure): void {
    const { metrics, events } = this.#options;
    const before = memory.failure;
    memory.failure = failure;
    metrics.reconciles.inc({ code: failure.code });
    const outside = isOutside(failure.code);
    if (!outside && !isSame(before, failure)) {
      this.#tell(resource, FAILS, failure.code, {
        stage: failure.stage,
        ...(failure.reason !== undefined && { cause: failure.reason }),
        hint: hintFor(failure.code, failure.context),
      });
      // After a restart the log tells it anew; who reads Events has been told.
      if (!isSame(memory.status.failure, failure)) events.failed(regarding(resource), failure);
    }
    const since = outside ? memory.source?.failure?.since : undefined;
    this.#submit(resource, memory, !outside || !isReady(memory.status), {
      failure,
      ...(since !== undefined && { failingSince: since }),
    });
  }

  /** Nothing is done for the resource. */
  suspended(resource: Resource, memory: Memory): void {
    memory.failure = undefined;
    this.#submit(resource, memory, true, { suspended: true });
  }

  /** When a failing Safe makes the content of this resource stale, Unix milliseconds. */
  staleAt({ spec, source, status }: Memory): number | undefined {
    if (spec?.maxStalenessMs === undefined || !source?.failure) return undefined;
    // After a restart the status remembers since when.
    const told = status.failure && isOutside(status.failure.code) ? Date.parse(status.failure.since) : NaN;
    return Math.min(source.failure.since, Number.isNaN(told) ? Infinity : told) + spec.maxStalenessMs;
  }

  #tell(
    { key, namespace, name }: Resource,
    happening: Omit<Happening, 'code'>,
    code: Code,
    fields: LogFields,
  ): void {
    this.#options.alike.add(key, { ...happening, code }, { namespace, name, ...fields });
  }

  /** A failure of Safe, where it is old enough to be told although the Secret is right. */
  #troubleOf(source: SafeSource | undefined): Pick<Outcome, 'failure' | 'failingSince'> {
    const since = source?.failure?.since;
    if (!source || since === undefined || this.#options.clock.now() - since < this.#options.quietMs)
      return {};
    return { failure: safeFailure(source), failingSince: since };
  }

  #submit(
    resource: Resource,
    memory: Memory,
    urgent: boolean,
    found: Omit<Outcome, 'generation' | 'node' | 'now'>,
  ): void {
    const { node, clock, statuses } = this.#options;
    const now = clock.now();
    const { handledRefresh, status: before, source, spec } = memory;
    const staleAt = this.staleAt(memory);
    const fresh = spec?.maxStalenessMs === undefined ? undefined : staleAt === undefined || staleAt > now;
    const tellStale = fresh === false && !found.failure && source?.failure;
    const next = nextStatus(before, {
      ...found,
      generation: resource.generation,
      node,
      now,
      ...(handledRefresh !== undefined && { handledRefresh }),
      ...(fresh !== undefined && { fresh }),
      ...(tellStale && { failure: safeFailure(source), failingSince: tellStale.since }),
    });
    if (sameInSubstance(before, next)) return;
    memory.status = next;
    const answersSomebody = !isReady(before) || before.handledRefresh !== next.handledRefresh;
    statuses.submit(resource, next, urgent || answersSomebody);
  }

  #warnOfGrants({ namespace, name }: Resource, memory: Memory, notGranted: readonly string[]): void {
    if (notGranted.join('\n') === memory.notGranted.join('\n')) return;
    memory.notGranted = notGranted;
    for (const secretName of notGranted)
      this.#options.log.warn('Secret of Safe used without a grant', { namespace, name, secretName });
  }
}

const isSame = (a: Pick<Failure, 'code' | 'message'> | undefined, b: Failure): boolean =>
  a?.code === b.code && a.message === b.message;

/** How long the failure of a status has lasted; `now` is Unix milliseconds. */
function durationOf({ failure }: VSecMSecretStatus, now: number): LogFields {
  const since = Date.parse(failure?.since ?? '');
  return Number.isNaN(since) ? {} : { durationSeconds: Math.max(0, Math.round((now - since) / 1000)) };
}

/** The failure of a Safe, as resources and Events tell it. */
export function safeFailure(source: SafeSource): Failure {
  const code = source.failure?.code ?? 'SafeError';
  const message = `${REASONS[code].meaning.replace(/\.$/, '')} (${source.url})`;
  return new Failure(code, message, { context: { ...source.failure?.context, safeURL: source.url } });
}

const regarding = (resource: Resource): Regarding => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  namespace: resource.namespace,
  name: resource.name,
  uid: resource.uid,
  resourceVersion: resource.resourceVersion,
});
