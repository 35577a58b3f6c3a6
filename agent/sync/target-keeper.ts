import type { Spec } from '../api/vsecmsecret.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { appliedFrom, driftOf, printOf, type Drift } from './applied.ts';
import type { Desired } from '../resolve/desired.ts';
import type { Memory } from './memory.ts';
import { isOlderVersion, type Resource, type SecretMeta } from './resource.ts';
import type { Schedule } from './schedule.ts';
import { targetConflict } from './secret-api.ts';
import { isOurs, type SecretWriter, type Written } from './secret-writer.ts';
import { isReady } from './status.ts';

/** A store that a watch keeps up to date. */
export interface Store<T> {
  get(key: string): T | undefined;
}

export interface TargetKeeperOptions {
  secrets: Store<SecretMeta>;
  writer: SecretWriter;
  schedule: Schedule;
  /** Has a resource looked at soon. */
  enqueue: (key: string, urgent: boolean) => void;
  /** Asked once more right before a write: what came before it took its time. */
  mayWrite: (resource: Resource) => boolean;
  clock: Clock;
  metrics: Pick<Metrics, 'secretWrites'>;
}

/** Repairs of one Secret in a row that are made at once; from then on they wait longer each time. */
const FREE_REPAIRS = 3;
/** How long the watch of resources may lag behind the one of Secrets. */
const ORPHANING_MS = 2_000;
/** How old a look at a target may be when it decides about a write. */
const LOOK_MS = 5_000;
/** How long the watch may take to show a Secret that was written. */
const CONFIRM_MS = 60_000;

/** The Secrets of resources: how they stand, and how they are brought to where they should be. */
export class TargetKeeper {
  readonly #options: TargetKeeperOptions;

  constructor(options: TargetKeeperOptions) {
    this.#options = options;
  }

  /** The Secret that the spec names, as the watch shows it. */
  seen(resource: Resource, spec: Spec): SecretMeta | undefined {
    return this.#options.secrets.get(`${resource.namespace}/${spec.target.name}`);
  }

  /**
   * The target as it stands: as the watch shows it, or looked up where the watch cannot tell. What another
   * agent wrote is only written over from an answer begun after that was seen.
   * @throws Failure of stage write
   */
  async look(resource: Resource, memory: Memory, spec: Spec): Promise<SecretMeta | undefined> {
    const { writer, clock } = this.#options;
    const { name } = spec.target;
    const seen = this.seen(resource, spec);
    const applied = memory.applied?.name === name ? memory.applied : undefined;
    if (memory.lookFirst || (!applied && !seen && !memory.looked)) {
      const at = clock.now();
      memory.looked = { meta: await writer.look(resource, name), at };
      memory.lookFirst = false;
    }
    if (!memory.looked && applied && driftOf(applied, seen, false) === 'none') return seen;
    const current = memory.looked ? newest(seen, memory.looked) : seen;
    const byOther =
      current && (applied ? driftOf(applied, current, false) === 'agent' : current.appliedAt !== undefined);
    if (byOther && memory.inspected !== current.resourceVersion) {
      memory.inspected = current.resourceVersion;
      memory.needAfter = Math.max(memory.needAfter, current.seenAt);
    }
    return current;
  }

  /** Whether the target was looked up so long ago, while an answer was awaited, that it may be another now. */
  isOldLook({ looked }: Memory): boolean {
    return looked !== undefined && this.#options.clock.now() - looked.at > LOOK_MS;
  }

  /**
   * Applies the Secret unless it is as it should be.
   * @param current what `look` found
   * @returns what was done, or until when it has to wait, Unix milliseconds
   * @throws Conflict, NamespaceTerminating, Failure of stage write
   */
  async write(
    resource: Resource,
    memory: Memory,
    { target }: Spec,
    desired: Desired,
    current: SecretMeta | undefined,
  ): Promise<Written['result'] | { waitUntil: number }> {
    const print = printOf(desired, target);
    const applied = memory.applied?.name === target.name ? memory.applied : undefined;
    if (!applied && current && isProvenBy(resource, desired, current)) {
      memory.applied = appliedFrom(current, print);
      memory.looked = undefined;
      return 'unchanged';
    }
    const drift = applied ? driftOf(applied, current, memory.looked !== undefined) : 'none';
    if (applied && drift === 'none' && applied.print === print) {
      memory.looked = undefined;
      return 'unchanged';
    }
    const waitUntil = drift === 'none' ? 0 : repairableAt(resource, memory, target, current);
    if (waitUntil > this.#options.clock.now()) return { waitUntil };
    if (current) await this.#refuseForeign(resource, target.name, current);
    const over = applied && drift === 'none' ? applied : current;
    const { writer, metrics, mayWrite } = this.#options;
    const { meta, result } = await writer.write({
      resource,
      target,
      desired,
      over,
      mayWrite: () => mayWrite(resource),
    });
    memory.applied = appliedFrom(meta, print);
    memory.looked = undefined;
    memory.inspected = undefined;
    this.#countRepair(memory, drift);
    metrics.secretWrites.inc({ result });
    this.#confirmLater(resource, memory, target.name);
    return result;
  }

  /** Of a target that was renamed the Secret made before goes; status names it until that has worked. */
  async removeFormer(resource: Resource, memory: Memory, target: string): Promise<void> {
    const former = memory.status.secret?.name;
    if (former !== undefined && former !== target) await this.#options.writer.removeFormer(resource, former);
  }

  async #refuseForeign(resource: Resource, target: string, current: SecretMeta): Promise<void> {
    const { writer } = this.#options;
    const strayed = writer.hasStrayed(current);
    if ((!strayed && isOurs(current, resource)) || current.adoptable) return;
    if (strayed) await writer.giveBack(resource, current);
    throw targetConflict(target, { namespace: resource.namespace, name: resource.name, target });
  }

  #countRepair(memory: Memory, drift: Drift): void {
    if (drift === 'none') return;
    const now = this.#options.clock.now();
    const inARow = now < memory.repairedAt + waitAfter(memory.repairs) + 60_000;
    memory.repairs = inARow ? memory.repairs + 1 : 1;
    memory.repairedAt = now;
  }

  /** A Secret that was written and is gone before the watch showed it leaves no event behind. */
  #confirmLater(resource: Resource, memory: Memory, target: string): void {
    const { schedule, clock, secrets, enqueue } = this.#options;
    if (secrets.get(`${resource.namespace}/${target}`)) return;
    schedule.set(`confirm ${memory.key}`, clock.now() + CONFIRM_MS, () => {
      if (memory.applied?.name !== target || secrets.get(`${resource.namespace}/${target}`)) return;
      memory.lookFirst = true;
      enqueue(memory.key, false);
    });
  }
}

/** From when on a Secret that changed may be repaired, Unix milliseconds. */
function repairableAt(
  resource: Resource,
  memory: Memory,
  target: Spec['target'],
  current: SecretMeta | undefined,
): number {
  // Two writers that undo each other must not do so at full speed.
  const paced = memory.repairedAt + waitAfter(memory.repairs);
  // A deletion that orphans strips the owner from the Secret first, and the watch may show the Secret
  // before the resource: an owner put back then makes the garbage collector delete it.
  const stripped =
    target.creationPolicy === 'Owner' && current !== undefined && !current.ownerUids.includes(resource.uid);
  return Math.max(paced, stripped ? current.seenAt + ORPHANING_MS : 0);
}

/** How long the next repair waits after so many in a row, milliseconds. */
const waitAfter = (repairs: number): number =>
  repairs < FREE_REPAIRS ? 0 : Math.min(300_000, 1000 * 2 ** (repairs - FREE_REPAIRS));

/** Whether the status says that the Secret, as it stands now, is what the resource's generation asks for. */
export function isProven({ status, generation }: Resource, current: SecretMeta | undefined): boolean {
  return (
    current !== undefined &&
    status.observedGeneration === generation &&
    status.secret?.name === current.name &&
    status.secret.resourceVersion === current.resourceVersion &&
    isReady(status)
  );
}

/** Whether it also says so of the content that is desired now. */
function isProvenBy(resource: Resource, { sourceUpdated }: Desired, current: SecretMeta): boolean {
  return (
    isProven(resource, current) && sourceUpdated !== '' && resource.status.sourceUpdated === sourceUpdated
  );
}

/** Of what the watch shows and what was looked up, the newer. */
function newest(seen: SecretMeta | undefined, looked: NonNullable<Memory['looked']>): SecretMeta | undefined {
  const { meta, at } = looked;
  if (!seen) return meta;
  if (!meta || seen.uid !== meta.uid) return seen.seenAt > at ? seen : meta;
  return isOlderVersion(meta.resourceVersion, seen.resourceVersion) ? seen : meta;
}
