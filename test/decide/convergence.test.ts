import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SecretMeta } from '../../agent/api/secret-meta.ts';
import type { Spec, VSecMSecretStatus } from '../../agent/api/vsecmsecret.ts';
import { decide } from '../../agent/decide/decide.ts';
import type { Act, Decision, Tell } from '../../agent/decide/decision.ts';
import { record, type Outcome } from '../../agent/decide/facts.ts';
import type { Known } from '../../agent/decide/known.ts';
import { isAsWritten, verdictOf } from '../../agent/decide/verdict.ts';
import type { View } from '../../agent/decide/view.ts';
import { desiredOf, foreignMeta, secretMeta } from '../sync/objects.ts';
import { iso, spec, view } from './views.ts';

/** A Secret on the API server, and the print of what is in it. */
interface Stored {
  meta: SecretMeta;
  print: string;
}

/** No resource needs more, however its last attempts ended. */
const MOST_STEPS = 60;
/** As many acts as one reconciliation has. */
const MOST_ACTS = 8;

/** One resource in a world where nobody else does anything, Safe answers, and the API server takes what it should. */
class World {
  view: View;
  stored: Stored | undefined;
  readonly did: string[] = [];
  #acts = 0;
  #versions = 1_000;

  constructor(seen: View, stored: Stored | undefined) {
    this.view = seen;
    this.stored = stored;
  }

  /** Does what is decided until there is nothing left to do; returns the last decision. */
  run(): Decision {
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const before = this.view;
      const decision = decide(before);
      this.did.push(decision.act.do);
      this.#note(decision.tell);
      const { act, again, because } = decision;
      const waits = act.do === 'nothing' || act.do === 'ask';
      this.#acts = waits ? 0 : this.#acts + 1;
      assert.ok(this.#acts <= MOST_ACTS, `does not come to rest: ${this.did.join(' ')}`);
      if (act.do !== 'nothing') {
        this.#do(act);
        if (!waits) assert.notDeepEqual(changing(this.view), changing(before), `${act.do} came to nothing`);
        continue;
      }
      const known = 'meta' in before.target ? before.target.meta : undefined;
      const settled = because === 'asDeclared' && !decision.tell?.failure && known === this.stored?.meta;
      const rests = again === undefined || settled;
      if (rests && !this.#isBehind()) return decision;
      this.#pass(rests ? 1 : Math.max(1, again - this.view.now));
    }
    return decide(this.view);
  }

  /** Time goes by, and by then the watch has caught up. */
  #pass(ms: number): void {
    const { now, wall } = this.view;
    this.view = { ...this.view, now: now + ms, wall: wall + ms, content: undefined };
    const watched = this.#watched();
    if (this.#isBehind())
      this.#know(
        watched ? { how: 'shown', meta: watched, at: this.view.now } : { how: 'gone', at: this.view.now },
      );
  }

  /** What the watch shows in the end: a Secret with the label. */
  #watched(): SecretMeta | undefined {
    return this.stored?.meta.managed ? this.stored.meta : undefined;
  }

  #isBehind(): boolean {
    const { target } = this.view;
    return (target.how === 'shown' ? target.meta : undefined) !== this.#watched();
  }

  #do(act: Act): void {
    const { resource, facts } = this.view;
    const { generation } = resource;
    switch (act.do) {
      case 'ask': {
        this.#pass(Math.max(10, act.begunAfter - this.view.now));
        const { now } = this.view;
        this.view = { ...this.view, safe: { answerBegunAt: now, confirmedAt: now, failing: undefined } };
        return;
      }
      case 'resolve': {
        const answerBegunAt = this.view.safe.answerBegunAt!;
        const content = { desired: desiredOf(), print: 'p', generation, answerBegunAt };
        const resolved = {
          generation,
          answerBegunAt,
          print: 'p',
          sources: 1,
          sourceUpdated: 'u',
          expiresAt: undefined,
        };
        this.#record({ of: 'resolve', resolved: { ...resolved, notGranted: [] } });
        this.view = { ...this.view, content };
        return;
      }
      case 'lookUp':
        this.#know(
          this.stored ? { how: 'lookedUp', meta: this.stored.meta, at: this.view.now } : this.#absent(),
        );
        return this.#record({ of: 'lookUp' });
      case 'recognise':
        return this.#wrote('recognise', act.meta, 'unchanged');
      case 'create':
        if (this.stored) return this.#stale('create');
        this.stored = { meta: this.#next(secretMeta({ uid: 'made' }), true), print: 'p' };
        return this.#wrote('create', this.stored.meta, 'created');
      case 'write': {
        if (
          this.stored?.meta.resourceVersion !== act.over.resourceVersion ||
          this.stored.meta.uid !== act.over.uid
        )
          return this.#stale('write');
        const same =
          this.stored.print === 'p' && facts.wrote?.print === 'p' && act.over.ours === facts.wrote.ours;
        if (!same) this.stored = { meta: this.#next(this.stored.meta, act.over.createdByAgent), print: 'p' };
        return this.#wrote('write', this.stored.meta, same ? 'unchanged' : 'updated');
      }
      case 'deleteFormer':
        this.view = { ...this.view, former: undefined };
        return this.#record({ of: 'deleteFormer' });
      default:
        assert.fail(act.do);
    }
  }

  /** The version that our write makes of one. */
  #next(meta: SecretMeta, createdByAgent: boolean): SecretMeta {
    const owns = (this.view.spec as Spec).target.creationPolicy === 'Owner';
    return {
      ...meta,
      resourceVersion: String(++this.#versions),
      ours: 'all',
      appliedAt: iso(this.view.wall),
      managed: true,
      createdByAgent,
      ownerUids: owns ? ['uid-db'] : meta.ownerUids,
    };
  }

  #wrote(
    of: 'create' | 'write' | 'recognise',
    meta: SecretMeta,
    result: 'created' | 'updated' | 'unchanged',
  ): void {
    const { now, safe, target } = this.view;
    this.#record({ of, result, meta, print: 'p', answerBegunAt: safe.answerBegunAt!, undid: undefined });
    if (target.how === 'shown' && target.meta === meta) this.#know({ ...target });
    else this.#know({ how: 'lookedUp', meta, at: now });
    this.view = { ...this.view, target: { ...this.view.target, agentWroteAt: undefined, wasThere: true } };
  }

  #stale(act: 'create' | 'write'): void {
    this.#know({ how: 'doubted' });
    this.#record({ of: 'refused', act, why: 'stale', print: 'p' });
  }

  #absent = (): Learned => ({ how: 'absent', at: this.view.now });

  #know(learned: Learned): void {
    const { wasThere, agentWroteAt } = this.view.target;
    this.view = {
      ...this.view,
      target: { ...learned, wasThere: wasThere || 'meta' in learned, agentWroteAt } as Known,
    };
  }

  #record(outcome: Outcome): void {
    const { facts, now } = this.view;
    this.view = { ...this.view, facts: record(facts, outcome, now, 0.5) };
  }

  #note(tell: Tell | undefined): void {
    if (!tell) return;
    const { failure } = tell;
    const since = iso(this.view.wall);
    const { failure: _, ...before } = this.view.resource.status;
    const status: VSecMSecretStatus = failure
      ? { ...before, failure: { stage: failure.stage, code: failure.code, message: '', hint: '', since } }
      : before;
    this.view = { ...this.view, resource: { ...this.view.resource, status } };
    this.#record({ of: 'tell', tell, told: { status, failure, notGranted: [] } });
  }
}

type Learned = { how: Known['how']; meta?: SecretMeta; at?: number };
const changing = ({ facts, content, target, former }: View) => [facts, content, target, former];

const hidden: fc.Arbitrary<Stored | undefined> = fc.constantFrom(
  undefined,
  { meta: foreignMeta({ uid: 'hidden', resourceVersion: '500' }), print: 'theirs' },
  { meta: foreignMeta({ uid: 'hidden', resourceVersion: '500', adoptable: true }), print: 'theirs' },
  { meta: secretMeta({ resourceVersion: '500', managed: false, ours: 'unlabelled' }), print: 'older' },
);

/** A view that lasts, and what is really there: mostly what is known. */
const world = fc
  .tuple(view, spec, hidden, fc.integer({ min: 0, max: 3 }))
  .map(([drawn, declared, other, odds]) => {
    const { resolved } = drawn.facts;
    const seen: View = {
      ...drawn,
      owned: true,
      resource: { ...drawn.resource, deleting: false },
      spec: { ...declared, suspend: false },
      heldBy: undefined,
      content: undefined,
      safe: { ...drawn.safe, failing: undefined },
      // Every answer says the same.
      facts: { ...drawn.facts, terminating: false, resolved: resolved && { ...resolved, print: 'p' } },
    };
    const right = isAsWritten(verdictOf(seen, seen.spec as Spec));
    const known =
      'meta' in seen.target
        ? { meta: seen.target.meta, print: right ? seen.facts.wrote!.print : 'p' }
        : undefined;
    const sure = seen.target.how === 'shown' || seen.target.how === 'lookedUp';
    return { seen, stored: sure && odds > 0 ? known : other };
  });

test('from any view one comes to rest: the Secret as declared, or a reason that is so', () => {
  fc.assert(
    fc.property(world, ({ seen, stored: there }) => {
      const one = new World(seen, there);
      const { because, tell } = one.run();
      const { stored, view: last, did } = one;
      const { creationPolicy } = (last.spec as Spec).target;
      const told = tell?.failure ?? last.facts.told.failure;
      const story = `${told?.code ?? because}: ${did.join(' ')}`;
      if (told?.code === 'TargetMissing') return assert.ok(creationPolicy === 'Merge' && !stored, story);
      if (told?.code === 'TargetConflict') {
        assert.ok(stored, story);
        const { adoptable, createdByAgent, ownerUids } = stored.meta;
        return assert.ok(!adoptable && !createdByAgent && !ownerUids.includes('uid-db'), story);
      }
      assert.deepEqual([because, told?.code], ['asDeclared', undefined], story);
      assert.equal(stored?.print, 'p', story);
    }),
    { numRuns: 3_000 },
  );
});
