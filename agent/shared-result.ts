import type { Clock } from './clock.ts';

/**
 * Work whose result serves all who ask while it is under way, and those who ask soon after: however many ask, it is
 * done once at a time and at most once in `forMs` milliseconds. A failure is told to those who waited, and tried again.
 */
export function sharedResult<Result>(
  clock: Pick<Clock, 'now'>,
  forMs: number,
  make: () => Promise<Result>,
): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  let until = Infinity;
  return () => {
    if (result !== undefined && clock.now() < until) return result;
    const begunAt = clock.now();
    until = Infinity;
    const making = make();
    result = making;
    making.then(
      () => (until = begunAt + forMs),
      () => (result = undefined),
    );
    return making;
  };
}
