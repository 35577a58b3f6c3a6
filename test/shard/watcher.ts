import { Membership } from '../../agent/shard/membership.ts';
import { FakeClock } from '../fake-clock.ts';
import { members, type State } from './slice.ts';

export const DELAY = 30_000;

/** The membership as the agent on node `a` sees it. */
export function watcher(pod: string | undefined = 'agent-a') {
  const clock = new FakeClock();
  let changes = 0;
  const onChange = (): void => void (changes += 1);
  const membership = new Membership({ node: 'a', pod, handoffDelayMs: DELAY, clock, onChange });
  return {
    clock,
    membership,
    changes: () => changes,
    see: (nodes: Record<string, State>) => membership.observe(members(nodes)),
    names: () => [...membership.view.members].toSorted().join(' '),
  };
}
