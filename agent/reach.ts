import { connect, type Socket } from 'node:net';
import type { Clock } from './clock.ts';
import { NameLookup } from './name-lookup.ts';

export interface ReachOptions {
  clock: Pick<Clock, 'after'>;
  names?: Pick<NameLookup, 'addresses'>;
}

/** From the start of one attempt to the start of the next (RFC 8305, section 5). */
const ATTEMPT_DELAY_MS = 250;

/**
 * Opens TCP connections to hosts by name. Each address is given all the time that the caller has: the next one is
 * tried beside it after a quarter of a second, and whichever answers first is taken (RFC 8305). Node's own attempts
 * give each address, the last one too, those 250 ms and no more.
 */
export class Reach {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #names: Pick<NameLookup, 'addresses'>;

  constructor({ clock, names = new NameLookup({ clock }) }: ReachOptions) {
    this.#clock = clock;
    this.#names = names;
  }

  /**
   * @param onFound is called when the name's addresses are known
   * @throws Error with the system's code of the look-up, or of the attempt that failed last; the signal's reason
   */
  async connect(host: string, port: number, signal: AbortSignal, onFound?: () => void): Promise<Socket> {
    const addresses = await this.#names.addresses(host, signal);
    signal.throwIfAborted();
    onFound?.();
    return this.#first(addresses, port, signal);
  }

  #first(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const waiting = [...addresses];
    const open = new Set<Socket>();
    let cancelNext = (): void => {};
    const end = (winner?: Socket): void => {
      cancelNext();
      signal.removeEventListener('abort', abort);
      for (const socket of open) if (socket !== winner) socket.destroy();
    };
    const abort = (): void => {
      end();
      reject(signal.reason as Error);
    };
    const attempt = (): void => {
      cancelNext();
      const host = waiting.shift();
      if (host === undefined) return;
      const socket = connect({ host, port, autoSelectFamily: false });
      open.add(socket);
      const failed = (error: Error): void => {
        open.delete(socket);
        if (waiting.length > 0) return attempt();
        if (open.size > 0) return;
        end();
        reject(error);
      };
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.off('error', failed);
        end(socket);
        resolve(socket);
      });
      cancelNext = this.#clock.after(ATTEMPT_DELAY_MS, attempt);
    };
    signal.addEventListener('abort', abort, { once: true });
    attempt();
    return promise;
  }
}
