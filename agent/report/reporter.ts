import { hintFor, isOutside, type Code, type Failure } from '../api/reasons.ts';
import type { Resource } from '../api/resource.ts';
import { isReady, type VSecMSecretStatus } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { Tell } from '../decide/decision.ts';
import type { Facts, Told } from '../decide/facts.ts';
import type { Log, LogFields } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { AlikeLines, Happening } from './alike-lines.ts';
import type { EventSink, Regarding } from './events.ts';
import { nextStatus, sameInSubstance } from './status.ts';
import type { StatusWriter } from './status-writer.ts';

export interface ReporterOptions {
  node: string;
  statuses: StatusWriter;
  events: EventSink;
  alike: AlikeLines;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'reconciles'>;
}

const FAILS = { level: 'warn', message: 'VSecMSecret fails' } as const;
const RECOVERED = { level: 'info', message: 'VSecMSecret recovered' } as const;

/** Tells what was decided about a resource: by status, log, Event and metric, each transition once. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Tells it, and returns what has then been told in all. */
  tell(resource: Resource, facts: Facts, tell: Tell): Told {
    const { told: before } = facts;
    const { failure, secret } = tell;
    if (!tell.suspended) this.#options.metrics.reconciles.inc({ code: failure?.code ?? 'Synced' });
    const notGranted = secret ? this.#warnOfGrants(resource, facts) : before.notGranted;
    const ownFailure = failure && !isOutside(failure.code) ? failure : undefined;
    const ownBefore = before.failure && !isOutside(before.failure.code) ? before.failure : undefined;
    if (ownFailure) this.#fails(resource, before, ownFailure);
    else if (secret && ownBefore) this.#recovers(resource, before, ownBefore, secret.name);
    else if (secret && !before.status.secret && facts.news !== 'updated')
      this.#publish(
        resource,
        'Synced',
        `Secret ${secret.name} ${facts.news ? 'was created' : 'is as declared'}`,
      );
    const status = this.#submit(resource, facts, tell, ownFailure !== undefined || ownBefore !== undefined);
    return { status, failure, notGranted };
  }

  #fails(resource: Resource, before: Told, failure: Failure): void {
    if (isSame(before.failure, failure)) return;
    this.#line(resource, FAILS, failure.code, {
      stage: failure.stage,
      ...(failure.reason !== undefined && { cause: failure.reason }),
      hint: hintFor(failure.code, failure.context),
    });
    // After a restart the log tells it anew; who reads Events has been told.
    if (!isSame(before.status.failure, failure)) this.#options.events.failed(regarding(resource), failure);
  }

  #recovers(resource: Resource, { status }: Told, ended: Failure, secret: string): void {
    this.#line(resource, RECOVERED, ended.code, durationOf(status, this.#options.clock.wall()));
    this.#publish(resource, 'Recovered', `Secret ${secret} is as declared again`);
  }

  #publish(resource: Resource, reason: string, note: string): void {
    this.#options.events.publish(regarding(resource), 'Normal', reason, note);
  }

  #line(
    { key, namespace, name }: Resource,
    happening: Omit<Happening, 'code'>,
    code: Code,
    fields: LogFields,
  ): void {
    this.#options.alike.add(key, { ...happening, code }, { namespace, name, ...fields });
  }

  #submit(resource: Resource, facts: Facts, tell: Tell, urgent: boolean): VSecMSecretStatus {
    const { node, clock, statuses } = this.#options;
    const before = facts.told.status;
    const { failingSince, ...found } = tell;
    const wall = clock.wall();
    const unknownWrite = tell.secret !== undefined && !before.secret && !before.lastSyncTime;
    const next = nextStatus(before, {
      ...found,
      generation: facts.generation,
      node,
      now: wall,
      written: tell.secret !== undefined && (facts.news !== undefined || unknownWrite),
      ...(failingSince !== undefined && { failingSince: wall - (clock.now() - failingSince) }),
    });
    if (sameInSubstance(before, next)) return before;
    const answersSomebody =
      !isReady(before) || !isReady(next) || before.handledRefresh !== next.handledRefresh;
    const isUrgent = urgent || answersSomebody || tell.suspended === true;
    // Only the version has moved, by others' changes of what is theirs.
    const { secret } = next;
    const moved =
      secret !== undefined && facts.news === undefined && sameInSubstance({ ...before, secret }, next);
    statuses.submit(resource, next, isUrgent ? 'urgent' : moved ? 'patient' : 'routine');
    return next;
  }

  #warnOfGrants({ namespace, name }: Resource, { told, resolved }: Facts): readonly string[] {
    const notGranted = resolved?.notGranted ?? [];
    if (notGranted.join('\n') !== told.notGranted.join('\n')) {
      for (const secretName of notGranted)
        this.#options.log.warn('Secret of Safe used without a grant', { namespace, name, secretName });
    }
    return notGranted;
  }
}

const isSame = (a: Pick<Failure, 'code' | 'message'> | undefined, b: Failure): boolean =>
  a?.code === b.code && a.message === b.message;

/** How long the failure of a status has lasted; `now` is Unix milliseconds. */
function durationOf({ failure }: VSecMSecretStatus, now: number): LogFields {
  const since = Date.parse(failure?.since ?? '');
  return Number.isNaN(since) ? {} : { durationSeconds: Math.max(0, Math.round((now - since) / 1000)) };
}

const regarding = (resource: Resource): Regarding => ({
  apiVersion: 'vsecm.com/v1alpha1',
  kind: 'VSecMSecret',
  namespace: resource.namespace,
  name: resource.name,
  uid: resource.uid,
  resourceVersion: resource.resourceVersion,
});
