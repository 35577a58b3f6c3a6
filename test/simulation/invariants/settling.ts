import { sourceOf } from '../content.ts';
import type { Invariant } from '../scene.ts';

export const settling: Invariant = {
  name: 'settling',
  says: 'After the last event, once backoffs and delays are over, all is as it should be.',
  watch({ cluster, safe, ledger, violate }) {
    return {
      end() {
        for (const [key, { state, resource, target }] of ledger.entries) {
          const { failure, observedGeneration } = resource.status ?? {};
          if (observedGeneration !== resource.metadata.generation)
            violate(`${key} is not what its status tells of`);
          if (state === 'served' || state === 'suspended') {
            if (failure !== undefined && safe.has(sourceOf(resource)))
              violate(`${key} is served and tells ${failure.code}`);
            continue;
          }
          const [namespace = '', name = ''] = target.split('/');
          const secret = cluster.get(cluster.secrets, namespace, name);
          const excused =
            failure !== undefined &&
            (state !== 'absent' || failure.code === 'TargetMissing' || !safe.has(sourceOf(resource)));
          if (!excused)
            violate(
              `${key} is ${state} in the end, ${secret === undefined ? 'without' : 'with'} a Secret, and tells ${failure?.code ?? 'nothing'}`,
            );
        }
      },
    };
  },
};
