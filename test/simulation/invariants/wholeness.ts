import { keyOf } from '../cluster.ts';
import { contentOf } from '../content.ts';
import { isAgent, type Invariant } from '../scene.ts';

export const wholeness: Invariant = {
  name: 'wholeness',
  says: 'What an agent writes is all of one answer: never a part of it, never nothing.',
  watch({ violate }) {
    return {
      secret({ now, before }, writer) {
        if (now === undefined || !isAgent(writer)) return;
        if (JSON.stringify(now.data) === JSON.stringify(before?.data)) return;
        const { is } = contentOf(now);
        if (is !== 'version') violate(`${keyOf(now)} is ${is} after ${writer} wrote it`);
      },
    };
  },
};
