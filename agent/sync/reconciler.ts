import { Failure } from '../api/reasons.ts';
import type { Resource } from '../api/resource.ts';
import { parseKept } from '../api/spec-room.ts';
import type { SecretMeta } from '../api/secret-meta.ts';
import type { Clock } from '../clock.ts';
import { decide } from '../decide/decide.ts';
import type { Act, Decision } from '../decide/decision.ts';
import { noFacts, observe, record, type Facts, type Outcome } from '../decide/facts.ts';
import type { Content, View } from '../decide/view.ts';
import { safeFailure } from '../fetch/fetch-failure.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import type { Reporter } from '../report/reporter.ts';
import type { StatusWriter } from '../report/status-writer.ts';
import type { InPieces } from '../resolve/in-pieces.ts';
import { resolve } from '../resolve/refs.ts';
import type { Rollouts } from '../restart/rollouts.ts';
import type { Claims } from '../target/claims.ts';
import type { Knowledge, Store } from '../target/knowledge.ts';
import type { OwnedSecrets } from '../target/owned.ts';
import { contentPrintOf, printOf } from '../target/print.ts';
import { meaningOf, SecretApiError, type Guard, type SecretApi } from '../target/secret-api.ts';
import { secretBody } from '../target/secret-body.ts';
import type { Plan, Plans } from './plans.ts';
import type { Retries } from './retries.ts';

/** Which agent serves a namespace. */
export interface Ownership {
  /** `lastNode`: the node in the resource's status, `''` if none. */
  owns(namespace: string, lastNode: string): boolean;
}

/** One resource that this agent serves: what it declares, and what happened to it. */
export interface Tracked {
  readonly key: string;
  readonly uid: string;
  facts: Facts;
  plan: Plan;
}

export interface ReconcilerOptions {
  node: string;
  resources: Store<Resource>;
  tracked: Map<string, Tracked>;
  ownership: Ownership;
  claims: Claims;
  owned: OwnedSecrets;
  knowledge: Knowledge;
  plans: Plans;
  /** Does work for a namespace piece by piece, at its expense, and lets others have their turns in between. */
  inTurns: <Result>(namespace: string, work: InPieces<Result>) => Promise<Result>;
  api: SecretApi;
  rollouts: Pick<Rollouts, 'of' | 'ask' | 'forget'>;
  reporter: Reporter;
  statuses: StatusWriter;
  retries: Retries;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Pick<Metrics, 'secretWrites' | 'safeCacheLookups'>;
  /** How long a failing Safe is kept from the status of resources whose Secret is right, milliseconds. */
  quietMs: number;
}

/** No way from any state to rest is longer; what is left over comes soon after. */
const MOST_ACTS = 8;
const SOON_MS = 1_000;

/**
 * Level-based: sees how things stand, has one act decided, carries it out, notes what became of it, and sees again, until
 * there is nothing to do. It never waits for Safe; a resource that needs a newer answer is woken by its fetcher.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Reconciles the resource `namespace/name`. Resolves also where something failed: that is told, and has its pace. */
  async reconcile(key: string): Promise<void> {
    let content: Content | undefined;
    let last: { view: View; did: Act['do'] } | undefined;
    for (let acts = 0; acts < MOST_ACTS; acts += 1) {
      const seen = this.#see(key, content);
      if (!seen) return this.forget(key);
      const { view, one } = seen;
      const decision = decide(view);
      const { act } = decision;
      if (last?.did === act.do && isAlike(last.view, view)) throw new Error(`decided ${act.do} twice alike`);
      last = { view, did: act.do };
      if (act.do === 'letGo') return this.forget(key);
      if (act.do === 'nothing' || act.do === 'ask') return this.#rest(one, view, decision);
      if (act.do === 'resolve') content = await this.#resolve(one, view);
      else if (!(await this.#carryOut(one, view, act, content))) break;
    }
    this.#options.retries.set(key, this.#options.clock.now() + SOON_MS, true);
  }

  /** Lets go of a resource that is gone, or another agent's now. */
  forget(key: string): void {
    const { tracked, plans, retries, statuses, rollouts } = this.#options;
    const one = tracked.get(key);
    if (!one) return;
    tracked.delete(key);
    plans.leave(key, one.plan);
    retries.forget(key);
    statuses.forget(key);
    rollouts.forget(key);
  }

  /** The resource and all that a decision about it rests on, as it is now; `undefined`: it is not ours to serve. */
  #see(key: string, content: Content | undefined): { view: View; one: Tracked } | undefined {
    const { resources, clock, node, quietMs, knowledge, claims, rollouts } = this.#options;
    const resource = resources.get(key);
    if (!resource || resource.deleting || !this.#owns(resource)) return undefined;
    const one = this.#track(resource);
    const { plan, facts } = one;
    const target = targetKey(resource);
    const holder = claims.holder(target);
    const { fetcher } = plan;
    const failure = fetcher?.failure;
    const view: View = {
      now: clock.now(),
      wall: clock.wall(),
      node,
      quietMs,
      resource,
      owned: true,
      spec: plan.spec,
      heldBy: holder && holder.key !== key ? holder.name : undefined,
      target: knowledge.of(target),
      former: this.#former(resource, target),
      safe: {
        answerBegunAt: fetcher?.answer()?.begunAt,
        confirmedAt: fetcher?.confirmedAt,
        failing: fetcher &&
          failure && { why: safeFailure(fetcher), since: failure.since, attemptedAt: failure.attemptedAt },
      },
      content,
      facts,
      restarted: rollouts.of(key),
    };
    return { view, one };
  }

  #owns(resource: Resource): boolean {
    return this.#options.ownership.owns(resource.namespace, resource.status.node ?? '');
  }

  #track(resource: Resource): Tracked {
    const { tracked, plans, clock } = this.#options;
    let one = tracked.get(resource.key);
    if (one && one.uid !== resource.uid) this.forget(resource.key);
    if (!one || one.uid !== resource.uid) {
      const plan = plans.of(resource, undefined);
      one = { key: resource.key, uid: resource.uid, facts: noFacts(resource), plan };
      tracked.set(resource.key, one);
    }
    one.facts = observe(one.facts, resource, clock.now());
    // What a spec does not name any more is not restarted.
    if (one.plan.generation !== resource.generation) this.#options.rollouts.forget(one.key);
    one.plan = plans.of(resource, one.plan);
    return one;
  }

  /** A Secret that was made for this resource, and that its spec does not name any more. */
  #former(resource: Resource, target: string): View['former'] {
    const { owned, knowledge, claims } = this.#options;
    for (const key of owned.of(resource.uid)) {
      if (key === target) continue;
      const known = knowledge.of(key);
      if (known.how !== 'shown' || !known.meta.ownerUids.includes(resource.uid)) continue;
      // What somebody else made outlives the resource.
      if (!known.meta.createdByAgent) continue;
      return { meta: known.meta, claimedBy: claims.holder(key)?.name };
    }
    return undefined;
  }

  /** There is nothing to do but to wait and to tell. */
  #rest(one: Tracked, { resource }: View, { act, again, tell, because, missing }: Decision): void {
    const { retries, reporter, metrics } = this.#options;
    const { fetcher } = one.plan;
    if (act.do === 'ask') {
      metrics.safeCacheLookups.inc({ result: 'miss' });
      fetcher?.need(one.key, act.begunAfter, act.forced);
    }
    if (missing) fetcher?.pollFor(one.key);
    else if (tell) fetcher?.stopPolling(one.key);
    retries.set(one.key, again, because === 'failed' || because === 'paced');
    if (tell) this.#note(one, { of: 'tell', tell, told: reporter.tell(resource, one.facts, tell) });
  }

  /** What the answer in memory means for the spec; `undefined` if it is not the one of the view any more. */
  async #resolve(one: Tracked, { resource, safe }: View): Promise<Content | undefined> {
    const { clock, metrics, inTurns } = this.#options;
    const { spec, fetcher } = one.plan;
    const fetched = fetcher?.answer();
    if (spec instanceof Failure || !fetcher || fetched?.begunAt !== safe.answerBegunAt || !fetched)
      return undefined;
    metrics.safeCacheLookups.inc({ result: fetcher.failure ? 'stale' : 'fresh' });
    const { generation } = resource;
    const answerBegunAt = fetched.begunAt;
    try {
      const { namespace } = resource;
      const { grants, scope } = fetcher.endpoint;
      const whole = parseKept(resource.name, resource.spec);
      const pieces = resolve(whole, { answer: fetched.answer, namespace, grants, scope, now: clock.wall() });
      const desired = await inTurns(namespace, pieces);
      const counts = spec.restart.length > 0;
      const print = printOf(desired, counts ? { ...spec.target, counts } : spec.target);
      const contents = counts ? contentPrintOf(desired) : undefined;
      fetcher.use(one.key, desired.used);
      this.#note(one, {
        of: 'resolve',
        resolved: {
          generation,
          answerBegunAt,
          print,
          sources: desired.used.length,
          sourceUpdated: desired.sourceUpdated,
          expiresAt: desired.wakeAt,
          notGranted: desired.notGranted,
        },
      });
      return { desired, print, contents, generation, answerBegunAt };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      fetcher.useAny(one.key);
      this.#note(one, { of: 'resolve', resolved: undefined });
      return { failure: error, generation, answerBegunAt };
    }
  }

  /** Resolves to false if the guard took the act back: things are not as they were, and there is no hurry. */
  async #carryOut(one: Tracked, view: View, act: Act, content: Content | undefined): Promise<boolean> {
    const { knowledge, clock, api } = this.#options;
    const { resource } = view;
    const target = targetKey(resource);
    const desired = content && 'desired' in content ? content : undefined;
    const mark = knowledge.mark(target);
    try {
      switch (act.do) {
        case 'lookUp': {
          const begun = { mark, at: clock.now() };
          knowledge.lookedUp(target, await api.get(resource.namespace, resource.targetName), begun);
          this.#note(one, { of: 'lookUp' });
          break;
        }
        case 'compare': {
          const { meta } = act;
          const found = await api.differs(meta.namespace, meta.name, desired!.desired.data);
          const { uid, resourceVersion } = found?.meta ?? {};
          if (uid !== meta.uid || resourceVersion !== meta.resourceVersion) knowledge.doubt(target, mark);
          const { print } = desired!;
          const compared = {
            uid: meta.uid,
            resourceVersion: meta.resourceVersion,
            print,
            differs: !!found?.differs,
          };
          this.#note(one, { of: 'compare', compared });
          break;
        }
        case 'restart': {
          const { workloads, secret, revision } = act;
          const { key, namespace } = resource;
          for (const workload of workloads)
            this.#options.rollouts.ask(namespace, workload, { key, secret, revision });
          this.#note(one, { of: 'restart', workloads, revision });
          break;
        }
        case 'recognise':
          this.#wrote(one, view, act, desired!, { meta: act.meta, result: 'unchanged' });
          break;
        case 'create':
        case 'write': {
          const { spec } = view;
          if (spec instanceof Failure) return false;
          const over = act.do === 'write' ? act.over : undefined;
          const force = act.do === 'write' && act.force;
          const body = secretBody(resource, spec.target, desired!.desired, over, act.revision);
          const guard = this.#guard(view, mark);
          const { created, meta } = await api.apply(resource.namespace, spec.target.name, body, {
            force,
            guard,
          });
          const same = meta.resourceVersion === over?.resourceVersion;
          const result = created ? 'created' : same ? 'unchanged' : 'updated';
          this.#wrote(one, view, act, desired!, { meta, result });
          break;
        }
        case 'deleteFormer': {
          const { meta } = act;
          await api.delete(meta, this.#guard(view, mark, meta));
          knowledge.deleted(meta.key);
          this.#note(one, { of: 'deleteFormer' });
        }
      }
      return true;
    } catch (error) {
      if (!(error instanceof SecretApiError)) throw error;
      if (error.refusal === 'guarded') return false;
      this.#refused(one, view, act, error, mark, desired?.print);
      return true;
    }
  }

  #wrote(
    one: Tracked,
    { resource, facts, target }: View,
    act: Act,
    { print, contents, answerBegunAt }: Extract<Content, { print: string }>,
    { meta, result }: { meta: SecretMeta; result: 'created' | 'updated' | 'unchanged' },
  ): void {
    const { knowledge, log, metrics } = this.#options;
    const { namespace, name } = resource;
    knowledge.wrote(meta);
    // Our content over somebody's edit, and nothing else: what a fight is made of.
    const undid =
      act.do === 'write' &&
      facts.wrote?.print === print &&
      facts.wrote.uid === act.over.uid &&
      target.agentWroteAt === undefined
        ? { fields: act.over.ours, by: act.over.lastOther }
        : undefined;
    const of = act.do === 'recognise' || act.do === 'create' ? act.do : 'write';
    const revision = act.do === 'create' || act.do === 'write' ? act.revision : meta.revision;
    this.#note(one, { of, result, meta, print, answerBegunAt, contents, revision, undid });
    if (of === 'recognise') return;
    metrics.secretWrites.inc({ result });
    if (result !== 'unchanged')
      log.info('Secret written', { namespace, name, secret: meta.name, created: result === 'created' });
  }

  #refused(
    one: Tracked,
    view: View,
    act: Act,
    error: SecretApiError,
    mark: number,
    print: string | undefined,
  ): void {
    const { knowledge, metrics } = this.#options;
    const { resource, target } = view;
    const { namespace, name } = resource;
    const secret = act.do === 'deleteFormer' ? act.meta.name : resource.targetName;
    const known = 'meta' in target ? target.meta : undefined;
    const theirs = known !== undefined && !known.createdByAgent && !known.ownerUids.includes(resource.uid);
    // Whatever a create meets in its place: it was to be absent.
    const met = act.do === 'create' && (error.refusal === 'field-conflict' || error.refusal === 'immutable');
    const why = met ? 'stale' : meaningOf(error, secret, { namespace, name, target: secret }, theirs);
    if (why === 'stale') metrics.secretWrites.inc({ result: 'conflict' });
    // The admission policy answers 403 to a write onto somebody's Secret, RBAC to any write: what is there tells.
    const doubtful = why === 'stale' || (act.do === 'create' && error.refusal === 'forbidden');
    if (doubtful && act.do !== 'deleteFormer') knowledge.doubt(targetKey(resource), mark);
    this.#note(one, { of: 'refused', act: act.do, why, print });
    // A namespace that is being deleted wants nothing of Safe any more.
    if (why === 'terminating') {
      this.#options.plans.leave(one.key, one.plan);
      one.plan = { ...one.plan, fetcher: undefined };
    }
  }

  /** Asked right before the bytes leave: whether what the act was decided on is still so. */
  #guard({ resource, heldBy }: View, mark: number, former?: SecretMeta): Guard {
    const { resources, claims, knowledge } = this.#options;
    const target = targetKey(resource);
    const formerMark = former && knowledge.mark(former.key);
    return () => {
      const now = resources.get(resource.key);
      if (!now || now.uid !== resource.uid || now.generation !== resource.generation || now.deleting)
        return false;
      if (!this.#owns(now) || claims.holder(target)?.key !== resource.key || heldBy !== undefined)
        return false;
      if (knowledge.mark(target) !== mark) return false;
      return !former || (knowledge.mark(former.key) === formerMark && !claims.holder(former.key));
    };
  }

  #note(one: Tracked, outcome: Outcome): void {
    const { clock, random } = this.#options;
    one.facts = record(one.facts, outcome, clock.now(), random());
  }
}

/** Whether nothing happened between two views: what was decided on the first was done and came to nothing. */
const isAlike = (a: View, b: View): boolean =>
  a.facts === b.facts &&
  a.content === b.content &&
  a.heldBy === b.heldBy &&
  a.safe.answerBegunAt === b.safe.answerBegunAt &&
  JSON.stringify(a.target) === JSON.stringify(b.target);

const targetKey = (resource: Resource): string => `${resource.namespace}/${resource.targetName}`;
