import { keyOf } from '../cluster.ts';
import { contentOf } from '../content.ts';
import { isAgent, type Invariant } from '../scene.ts';

export const order: Invariant = {
  name: 'order',
  says: 'What an agent wrote is never replaced by an agent with what Safe served before that.',
  watch({ safe, violate }) {
    /** Who wrote the content that a Secret holds now. */
    const authors = new Map<string, string>();
    return {
      secret({ now, before }, writer) {
        const key = keyOf(now ?? before);
        if (now === undefined) return void authors.delete(key);
        const [was, is] = [contentOf(before), contentOf(now)];
        const same = JSON.stringify(before?.data) === JSON.stringify(now.data);
        const author = authors.get(key);
        if (!same) authors.set(key, writer);
        if (same || !isAgent(writer) || author === undefined || !isAgent(author)) return;
        if (was.is !== 'version' || is.is !== 'version' || was.secret !== is.secret) return;
        if (safe.since(is.secret, is.version) < safe.since(was.secret, was.version))
          violate(
            `${key} was set back by ${writer} from ${was.secret}.${was.version}, which ${author} wrote, to ${is.secret}.${is.version}`,
          );
      },
    };
  },
};
