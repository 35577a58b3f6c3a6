interface Appointment {
  at: number;
  /** Equal times are kept in the order in which they were asked for. */
  order: number;
  run: (() => void) | undefined;
}

/** Virtual time: a heap of what is to happen when. Nothing here waits for the machine's clock. */
export class Timeline {
  readonly #heap: Appointment[] = [];
  readonly start: number;
  #now: number;
  #order = 0;
  #steps = 0;
  #live = 0;
  /** Things that happened at one instant. */
  #still = 0;
  #stillSince = -Infinity;

  /** @param start Unix milliseconds */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.start = this.#now = start;
  }

  /** Unix milliseconds, with fractions. */
  get now(): number {
    return this.#now;
  }

  /** Things that have happened. */
  get steps(): number {
    return this.#steps;
  }

  /** Things still to happen. */
  get pending(): number {
    return this.#live;
  }

  /** Has `run` happen after `ms` milliseconds; the returned function calls it off. */
  after(ms: number, run: () => void): () => void {
    const appointment: Appointment = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#live += 1;
    this.#push(appointment);
    return () => {
      if (appointment.run === undefined) return;
      appointment.run = undefined;
      this.#live -= 1;
    };
  }

  /** Has `run` happen at that instant, Unix milliseconds. */
  at(instant: number, run: () => void): () => void {
    return this.after(instant - this.#now, run);
  }

  /** Lets happen what is due before `end`, Unix milliseconds, and what follows from each thing before the next. */
  async runUntil(end: number, goOn: () => boolean = () => true): Promise<void> {
    await drained();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end && goOn(); next = this.#heap[0]) {
      this.#pop();
      const { run } = next;
      if (run === undefined) continue;
      next.run = undefined;
      this.#live -= 1;
      this.#now = Math.max(this.#now, next.at);
      this.#steps += 1;
      this.#still = next.at > this.#stillSince ? 0 : this.#still + 1;
      this.#stillSince = next.at;
      if (this.#still > MOST_AT_ONCE)
        throw new Error('something goes round in circles, and time does not pass');
      run();
      await drained();
      if (this.#steps % STEPS_A_TURN === 0) await turned();
    }
    this.#now = Math.max(this.#now, end);
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let place = heap.push(appointment) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isSooner(appointment, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = appointment;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isSooner(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
  }
}

const isSooner = (one: Appointment, other: Appointment): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** With thousands of resources thousands of things fall on one instant. */
const MOST_AT_ONCE = 100_000;
/** So seldom the event loop of the machine gets its turn as well, for whoever else lives in this process. */
const STEPS_A_TURN = 5_000;

/**
 * Promises that are ready have run, and so has what gave way to the event loop. A tick comes after all promises, without
 * the event loop, which costs four times as much.
 */
async function drained(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
  while (process.getActiveResourcesInfo().includes('Immediate')) await turned();
}

async function turned(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => process.nextTick(resolve));
}
