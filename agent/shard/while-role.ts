import { once } from 'node:events';
import type { Task } from '../tasks.ts';
import type { Ownership } from './ownership.ts';
import type { Role } from './role.ts';

/**
 * A task that runs `task` while the agent has one of `roles`: starts it on promotion, aborts it on demotion
 * and waits for its end before it may start again. Ends when its signal is aborted, or with the task's error.
 */
export function whileRole(ownership: Ownership, roles: readonly Role[], task: Task): Task {
  const has = (): boolean => {
    const role = ownership.role();
    return role !== undefined && roles.includes(role);
  };
  const until = async (signal: AbortSignal, wanted: boolean): Promise<void> => {
    if (signal.aborted || has() === wanted) return;
    const turned = new AbortController();
    const stop = ownership.onChange(() => {
      if (has() === wanted) turned.abort();
    });
    const either = AbortSignal.any([signal, turned.signal]);
    if (!either.aborted) await once(either, 'abort');
    stop();
  };
  return async (signal) => {
    while (!signal.aborted) {
      await until(signal, true);
      if (signal.aborted) return;
      const demoted = new AbortController();
      const watching = new AbortController();
      const watch = until(AbortSignal.any([signal, watching.signal]), false).then(() => demoted.abort());
      const running = AbortSignal.any([signal, demoted.signal]);
      try {
        await task(running);
        if (!running.aborted) throw new Error('a task of a role ended by itself');
      } catch (error) {
        if (!running.aborted) throw error;
      } finally {
        watching.abort();
        await watch;
      }
    }
  };
}
