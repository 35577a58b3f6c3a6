/** A long-lived part: works until `signal` is aborted, then resolves; rejects if it cannot go on. */
export type Task = (signal: AbortSignal) => Promise<void>;

/**
 * Runs tasks that live and die together. The first one that rejects, or that returns before `signal` is
 * aborted, ends the others; the promise settles when all have ended, with the first error if there is one.
 */
export async function runTogether(signal: AbortSignal, tasks: Record<string, Task>): Promise<void> {
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  let first: unknown;
  await Promise.all(
    Object.entries(tasks).map(async ([name, task]) => {
      try {
        await task(all);
        if (!all.aborted) first ??= new Error(`task ${name} ended by itself`);
      } catch (error) {
        if (!all.aborted) first ??= error;
      } finally {
        stop.abort();
      }
    }),
  );
  if (first !== undefined) throw first;
}

/** Resolves once `signal` is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
