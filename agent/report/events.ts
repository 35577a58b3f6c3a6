import { hintFor, type Failure } from '../api/reasons.ts';
import { dateOf, type Clock } from '../clock.ts';
import type { Schedule } from '../schedule.ts';

/** An object that an Event is about. */
export interface Regarding {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid?: string;
  resourceVersion?: string;
}

/** Sends one Event of events.k8s.io/v1; may reject, an Event is never worth a retry. */
export type PostEvent = (namespace: string, body: unknown) => Promise<void>;

/** Events that wait at most, and in flight: an Event says what status says too, so the excess is dropped. */
const MOST_WAITING = 1_000;
const IN_FLIGHT = 2;
/**
 * So many at once, and so many a second from then on: Events of thousands of new resources are requests that their
 * Secrets would wait behind.
 */
const BURST = 50;
const EACH_MS = 1_000 / 20;
/** Bytes; the API server refuses longer notes. */
const LONGEST_NOTE = 1_024;
const ELLIPSIS = '…';

export interface EventSinkOptions {
  post: PostEvent;
  schedule: Schedule;
  clock: Clock;
  node: string;
  pod: string;
  onResult?: (result: 'posted' | 'failed' | 'dropped') => void;
}

/** Publishes Events on transitions. */
export class EventSink {
  readonly #options: EventSinkOptions;
  readonly #waiting: { namespace: string; body: unknown }[] = [];
  #inFlight = 0;
  #serial = 0;
  /** Until when the budget is used up by what was sent, if none was unused before. */
  #spentUntil = -Infinity;

  constructor(options: EventSinkOptions) {
    this.#options = options;
  }

  /** A failure of the object, with its hint. */
  failed(regarding: Regarding, failure: Failure): void {
    this.publish(
      regarding,
      'Warning',
      failure.code,
      `${failure.message}. ${hintFor(failure.code, failure.context)}`,
    );
  }

  /** `reason` is an UpperCamelCase word, `note` a sentence built from names alone. */
  publish(regarding: Regarding, type: 'Normal' | 'Warning', reason: string, note: string): void {
    const { clock, node, pod, onResult } = this.#options;
    if (this.#waiting.length >= MOST_WAITING) return onResult?.('dropped');
    this.#serial += 1;
    const now = clock.now();
    this.#waiting.push({
      namespace: regarding.namespace,
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: {
          namespace: regarding.namespace,
          name: `${beginningOf(regarding.name)}.${now.toString(16)}${this.#serial.toString(16)}`,
        },
        regarding,
        type,
        reason,
        action: 'Sync',
        note: cut(note),
        // metav1.MicroTime wants six fraction digits.
        eventTime: dateOf(clock, now).toISOString().replace('Z', '000Z'),
        reportingController: 'vsecm.com/vsecm-agent',
        reportingInstance: pod || node,
      },
    });
    this.#pump();
  }

  #pump(): void {
    const { clock, schedule } = this.#options;
    while (this.#inFlight < IN_FLIGHT && this.#waiting.length > 0) {
      const now = clock.now();
      const at = this.#spentUntil - BURST * EACH_MS;
      if (at > now) return schedule.set('event pace', at, () => this.#pump());
      this.#spentUntil = Math.max(now, this.#spentUntil) + EACH_MS;
      const next = this.#waiting.shift()!;
      this.#inFlight += 1;
      void this.#options
        .post(next.namespace, next.body)
        .then(
          () => this.#options.onResult?.('posted'),
          () => this.#options.onResult?.('failed'),
        )
        .finally(() => {
          this.#inFlight -= 1;
          this.#pump();
        });
    }
  }
}

/** Room for the rest of an Event's name, whose parts must not end with what a cut may leave there. */
const beginningOf = (name: string): string => name.slice(0, 200).replace(/[.-]+$/, '');

function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= LONGEST_NOTE) return note;
  // A character that was cut through reads as a replacement character.
  const whole = bytes.toString('utf8', 0, LONGEST_NOTE - Buffer.byteLength(ELLIPSIS)).replace(/\ufffd$/, '');
  return whole + ELLIPSIS;
}
