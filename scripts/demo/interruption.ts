/** Somebody ended the story. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** After a first signal; npm passes on a Ctrl-C that the terminal has sent to all already. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Rejects with `Interrupted` when somebody ends this process or its parent, and with the error when one was not caught. A
 * second signal ends the process at once: the processes that it started go with it.
 */
export function untilInterrupted(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  let interruptedAt = Infinity;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (Date.now() - interruptedAt > SAME_SIGNAL_MS) process.exit(130);
      interruptedAt = Math.min(interruptedAt, Date.now());
      reject(new Interrupted());
    });
  }
  process.on('disconnect', () => reject(new Interrupted()));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, reject);
  return promise;
}
