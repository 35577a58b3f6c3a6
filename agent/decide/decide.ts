import { Failure, isOutside, type Code } from '../api/reasons.ts';
import type { Outline } from '../api/vsecmsecret.ts';
import type { Because, Decision, Tell } from './decision.ts';
import { confirmation, isForced, needAfter } from './freshness.ts';
import type { At } from './known.ts';
import { fightOver, refusedUntil, remakeAt } from './pace.ts';
import { isAsked, owesRestart, restartsOf, revisionWith } from './restarts.ts';
import { BORNE_OUT_MS, isAsWritten, isProven, verdictOf, type Verdict } from './verdict.ts';
import type { View } from './view.ts';

/** Failures that an answer begun before the resource was seen may be wrong about. */
const MISSING: ReadonlySet<Code> = new Set<Code>([
  'UnnamedSecret',
  'UnprovenAnswer',
  'NotGranted',
  'RefNotFound',
  'RefIsNull',
  'TemplateFailed',
  'RefInvalid',
]);
/**
 * How long the watch of resources may lag behind the one of Secrets. A deletion that orphans strips the owner from the
 * Secret first; an owner put back then makes the garbage collector delete it (seen: after 106 ms).
 */
const ORPHANING_MS = 2_000;

/**
 * What is to be done next for one VSecMSecret, and what there is to tell. Pure and total: equal views have equal
 * decisions, and the view is all that it knows. Reads from top to bottom as docs/policies.md does.
 */
export function decide(view: View): Decision {
  const { resource, spec, facts } = view;
  if (!view.owned || resource.deleting) return { act: { do: 'letGo' }, because: 'gone' };
  // Of a namespace that is being deleted nothing comes back.
  if (facts.terminating) return rest('gone');
  if (spec instanceof Failure) return fails(view, spec);
  if (spec.suspend) return { ...rest('suspended'), tell: { suspended: true } };
  const verdict = verdictOf(view, spec);
  if (view.heldBy !== undefined) return held(view, view.heldBy, spec);
  if (restsOnStatus(view, spec)) return rest('asDeclared', dated(view, validUntil(view)));

  const forced = isForced(view);
  const need = needAfter(view, spec, verdict);
  const begunAt = view.safe.answerBegunAt;
  if (isAsWritten(verdict) && isSettled(view, need)) return asDeclared(view, spec, verdict);
  if (begunAt === undefined || begunAt < need) return waits(view, spec, verdict, need, forced);
  const { content } = view;
  const fits = content?.answerBegunAt === begunAt && content.generation === resource.generation;
  if (!content || !fits) return act({ do: 'resolve' }, 'needsNewer');
  if ('failure' in content) return unresolved(view, spec, verdict, content.failure);

  const { print } = content;
  if (isAsWritten(verdict) && facts.wrote?.print === print) return asDeclared(view, spec, verdict);
  if (!facts.wrote && isProvenBy(view) && view.target.how === 'shown')
    return act({ do: 'recognise', meta: view.target.meta }, 'asDeclared');
  return toWrite(view, spec, verdict, print);
}

/** The Secret is not as it should be: brings it there, or says why not. */
function toWrite(view: View, spec: Outline, verdict: Verdict, print: string): Decision {
  const { now, facts } = view;
  const { name, creationPolicy } = spec.target;
  if (verdict.is === 'there' && verdict.whose === 'theirs') {
    const failure = conflict(
      view,
      spec,
      `Secret ${name} exists and belongs to somebody else; it was left as it is`,
    );
    // What the watch shows tells itself when it changes.
    const again = view.target.how === 'lookedUp' ? verdict.since + BORNE_OUT_MS : undefined;
    return fails(view, failure, { again, spec, verdict });
  }
  const paced = refusedUntil(facts, 'target', print);
  if (paced !== undefined && now < paced) return pausing(view, spec, verdict, paced);
  if (verdict.is === 'unsure') return act({ do: 'lookUp' }, 'unsure');
  if (verdict.is === 'absent') {
    if (creationPolicy !== 'Merge') {
      const again = remakeAt(facts.made, now);
      if (now < again) return fails(view, vanishing(view, spec), { again, spec, verdict });
      const revision = revisionWith(view, spec);
      return act({ do: 'create', revision: revision === 'unknown' ? undefined : revision }, 'absent');
    }
    const failure = named(view, spec, 'TargetMissing', `Secret ${name}, into which to merge, does not exist`);
    const at = 'at' in view.target ? view.target.at : now;
    return fails(view, failure, { again: at + BORNE_OUT_MS, spec, verdict });
  }
  const { meta, whose, as } = verdict;
  if (as === 'edited' && facts.wrote?.print === print) {
    const owns = creationPolicy === 'Owner' && whose === 'ours';
    const stripped = owns && !meta.ownerUids.includes(view.resource.uid);
    if (stripped && now < meta.seenAt + ORPHANING_MS) return rest('paced', meta.seenAt + ORPHANING_MS);
    const fight = fightOver(facts.undone, meta);
    if (fight && now < fight.until)
      return fails(view, contested(view, spec, fight.by), { again: fight.until, spec, verdict });
  }
  const revision = revisionWith(view, spec);
  if (revision === 'unknown') return act({ do: 'compare', meta }, 'unsure');
  // Merge never takes a field over; Owner and Orphan hold what they declare.
  return act({ do: 'write', over: meta, force: creationPolicy !== 'Merge', revision }, 'differs');
}

/** The Secret holds what it should; what is left of a former target goes. */
function asDeclared(view: View, spec: Outline, verdict: Verdict & { is: 'there' }): Decision {
  const { now, facts, former, safe, quietMs } = view;
  if (former && former.claimedBy === undefined && !former.meta.deleting) {
    const until = refusedUntil(facts, 'former');
    if (until === undefined || now >= until) return act({ do: 'deleteFormer', meta: former.meta }, 'differs');
    const why = facts.refused?.why;
    const { name, resourceVersion } = verdict.meta;
    if (!(why instanceof Failure)) return rest('paced', until);
    const failing = fails(view, why, { again: until, spec, verdict });
    // The Secret is right all the same.
    return { ...failing, tell: { ...failing.tell, secret: { name, resourceVersion } } };
  }
  const fight = fightOver(facts.undone);
  if (fight && now < fight.over)
    return fails(view, contested(view, spec, fight.by), { again: fight.over, spec, verdict });
  const { name, resourceVersion } = verdict.meta;
  const { failing } = safe;
  const confirmed = confirmation(view, spec, true);
  const revision = facts.wrote?.revision;
  const restarts =
    revision === undefined
      ? undefined
      : restartsOf(spec.restart, facts.told.status.restarts ?? [], view.restarted ?? new Map(), revision);
  if (restarts && restarts.behind.length > 0 && !isAsked(facts, restarts.behind, revision!))
    return act({ do: 'restart', workloads: restarts.behind, secret: name, revision: revision! }, 'differs');
  const tells =
    failing &&
    (now >= failing.since + quietMs || confirmed?.fresh === false || isAttempted(view) || isTold(view));
  const moments = [
    dated(view, facts.resolved?.expiresAt),
    confirmed?.fresh ? confirmed.until : undefined,
    view.target.how === 'lookedUp' ? view.target.at + BORNE_OUT_MS : undefined,
  ].filter((at) => at !== undefined);
  return {
    act: { do: 'nothing' },
    because: 'asDeclared',
    again: moments.length > 0 ? Math.min(...moments) : undefined,
    tell: {
      secret: { name, resourceVersion, ...(revision !== undefined && { revision }) },
      ...(restarts && { restarts: restarts.told }),
      sourceUpdated: facts.resolved?.sourceUpdated ?? '',
      expiresAt: facts.resolved?.expiresAt,
      ...(restarts?.failure && { failure: restarts.failure.within(namesOf(view)), stands: true }),
      ...(tells && { failure: failing.why, failingSince: failing.since, stands: true }),
      ...(confirmed && { fresh: confirmed.fresh }),
      ...ended(view),
    },
  };
}

/** An answer that is new enough is awaited. */
function waits(view: View, spec: Outline, verdict: Verdict, need: At, forced: boolean): Decision {
  const { now, safe, facts, resource, quietMs } = view;
  const decision = act({ do: 'ask', begunAfter: need, forced }, 'needsNewer');
  const { failing } = safe;
  if (!failing) return decision;
  const right =
    (isAsWritten(verdict) && facts.wrote?.generation === resource.generation) ||
    (!facts.wrote && isProven(view));
  const confirmed = confirmation(view, spec, right);
  const attempted = isAttempted(view);
  const tells =
    attempted || !right || now >= failing.since + quietMs || confirmed?.fresh === false || isTold(view);
  const again = confirmed?.fresh ? confirmed.until : undefined;
  if (!tells) return { ...decision, again };
  return {
    ...decision,
    again,
    tell: {
      failure: failing.why,
      failingSince: failing.since,
      stands: right,
      ...(confirmed && { fresh: confirmed.fresh }),
      ...(attempted && { handledRefresh: facts.refresh.value }),
    },
  };
}

/** The answer does not give what the spec asks for. */
function unresolved(view: View, spec: Outline, verdict: Verdict, failure: Failure): Decision {
  const { safe, facts } = view;
  // The answer is older than the question: ask once more before anything is said to be missing.
  if (MISSING.has(failure.code) && safe.answerBegunAt! < facts.seenAt)
    return waits(view, spec, verdict, facts.seenAt, isForced(view));
  // What has a date comes by itself; anything else may come any time.
  const missing = failure.code !== 'NotYetValid';
  return { ...fails(view, failure, { again: dated(view, failure.wakeAt), spec, verdict }), missing };
}

/** Another VSecMSecret has the target. What this one would write is kept at hand. */
function held(view: View, holder: string, spec: Outline): Decision {
  const { safe } = view;
  const decision = fails(
    view,
    conflict(view, spec, `Secret ${spec.target.name} is held by VSecMSecret ${holder}`),
  );
  const ask = safe.answerBegunAt === undefined && !safe.failing;
  return {
    ...decision,
    because: 'held',
    ...(ask && { act: { do: 'ask', begunAfter: view.facts.seenAt, forced: false } }),
  };
}

/** A refused act is not tried again yet. */
function pausing(view: View, spec: Outline, verdict: Verdict, again: At): Decision {
  const { refused } = view.facts;
  if (refused?.why instanceof Failure)
    return { ...fails(view, refused.why, { again, spec, verdict }), because: 'paced' };
  return { ...fails(view, contested(view, spec, ''), { again, spec, verdict }), because: 'paced' };
}

/** Nothing can be done before something changes, or `again`. */
function fails(
  view: View,
  failure: Failure,
  { again, spec, verdict }: { again?: At | undefined; spec?: Outline; verdict?: Verdict } = {},
): Decision {
  const { namespace, name } = view.resource;
  const confirmed = spec && confirmation(view, spec, verdict !== undefined && isAsWritten(verdict));
  return {
    ...rest('failed', again),
    tell: {
      failure: failure.within({ namespace, name, ...(spec && { target: spec.target.name }) }),
      ...(confirmed && { fresh: confirmed.fresh }),
      ...(!isOutside(failure.code) && failure.code !== 'ApiUnavailable' && ended(view)),
    },
  };
}

/** With `refreshInterval: 0s` a restart asks nothing while the status proves the Secret right and in date. */
function restsOnStatus(view: View, spec: Outline): boolean {
  const { facts, resource, node, wall } = view;
  if (spec.refreshIntervalMs !== 0 || facts.wrote || !facts.refresh.handled) return false;
  const { status } = resource;
  if (owesRestart(status)) return false;
  const fails = status.failure ?? facts.told.failure ?? facts.told.status.failure;
  return status.node === node && !fails && isProven(view) && wall < (validUntil(view) ?? Infinity);
}

/** Whether what was resolved last still holds: of this generation, of an answer that is new enough, and in date. */
function isSettled({ facts: { resolved, wrote, generation }, safe, wall }: View, need: At): boolean {
  return (
    resolved !== undefined &&
    resolved.generation === generation &&
    resolved.print === wrote?.print &&
    resolved.answerBegunAt >= Math.max(need, safe.answerBegunAt ?? -Infinity) &&
    wall < (resolved.expiresAt ?? Infinity)
  );
}

/**
 * Whether the status proves the content that was just resolved. The latest `updated` of several secrets says nothing of
 * the others.
 */
function isProvenBy(view: View): boolean {
  const { resolved } = view.facts;
  if (!resolved || resolved.sources !== 1 || resolved.sourceUpdated === '') return false;
  return isProven(view) && view.resource.status.sourceUpdated === resolved.sourceUpdated;
}

/** Whether the attempt that the refresh annotation asked for met a Safe that fails: that is told at once. */
const isAttempted = (view: View): boolean =>
  !view.facts.refresh.handled && view.safe.failing !== undefined && !isForced(view);

/** Whether a failure of Safe stands in the status already. */
const isTold = ({ facts: { told } }: View): boolean =>
  told.status.failure !== undefined && isOutside(told.status.failure.code);

/** The end of the attempt that the refresh annotation asked for. */
function ended({ facts: { refresh } }: View): Pick<Tell, 'handledRefresh'> {
  return refresh.handled ? {} : { handledRefresh: refresh.value };
}

function validUntil({ resource: { status } }: View): number | undefined {
  const at = Date.parse(status.validUntil ?? '');
  return Number.isNaN(at) ? undefined : at;
}

const namesOf = ({ resource: { namespace, name } }: View) => ({ namespace, name });
const named = (
  { resource: { namespace, name } }: View,
  { target }: Outline,
  code: Code,
  message: string,
): Failure => new Failure(code, message, { context: { namespace, name, target: target.name } });
const conflict = (view: View, spec: Outline, message: string): Failure =>
  named(view, spec, 'TargetConflict', message);
const contested = (view: View, spec: Outline, by: string): Failure =>
  named(
    view,
    spec,
    'TargetContested',
    `fields of Secret ${spec.target.name} are changed again and again${by === '' ? '' : ` by field manager ${by}`}`,
  );

const vanishing = (view: View, spec: Outline): Failure =>
  named(view, spec, 'TargetContested', `Secret ${spec.target.name} is deleted again and again`);

/** A date of the wall clock on the clock that timers go by. */
const dated = ({ now, wall }: View, at: number | undefined): At | undefined =>
  at === undefined ? undefined : now + at - wall;

const rest = (because: Because, again?: At): Decision => ({ act: { do: 'nothing' }, because, again });
const act = (what: Decision['act'], because: Because): Decision => ({ act: what, because });
