import { Failure, type Code } from '../api/reasons.ts';
import type { RefState } from '../api/state.ts';
import type { Spec } from '../api/vsecmsecret.ts';
import { checkMetadata } from '../resolve/desired.ts';
import { Resolver, type Resolution } from '../resolve/resolver.ts';
import { bytesOf } from '../resolve/value.ts';

/**
 * Where each ref of a spec leads, tried one by one: `resolve` stops at the first that fails. What is found is
 * let go of at once; names and codes alone are told.
 */
export function refStates(spec: Spec, resolution: Resolution): RefState[] {
  const states: RefState[] = [];
  const add = (key: string, ref: string, follow: (resolver: Resolver) => void): void => {
    states.push({ key, ref, ...outcome(resolution, follow) });
  };
  for (const { key, ref, decode } of spec.data)
    add(key, ref.text, (resolver) => void bytesOf(resolver.text(ref, 'ref', 'value'), decode, 'ref', key));
  for (const { ref } of spec.dataFrom) add('', ref.text, (resolver) => void resolver.members(ref, 'ref'));
  for (const list of ['labels', 'annotations'] as const) {
    for (const { key, ref } of spec[list])
      add(key, ref.text, (resolver) =>
        checkMetadata(new Map([[key, resolver.text(ref, 'ref', 'metadata')]]), list),
      );
  }
  return states;
}

/** The refs of a spec that share one state, as they do while there is no answer to look into. */
export function refsAlike({ data, dataFrom, labels, annotations }: Spec, state: 'ok' | Code): RefState[] {
  const named = [...data, ...labels, ...annotations].map(({ key, ref }) => ({ key, ref: ref.text, state }));
  return [...named, ...dataFrom.map(({ ref }) => ({ key: '', ref: ref.text, state }))];
}

function outcome(
  resolution: Resolution,
  follow: (resolver: Resolver) => void,
): Pick<RefState, 'state' | 'secret'> {
  try {
    const resolver = new Resolver(resolution);
    follow(resolver);
    const [secret] = resolver.sources().used;
    return { state: 'ok', ...(secret !== undefined && { secret }) };
  } catch (error) {
    if (error instanceof Failure) return { state: error.code };
    throw error;
  }
}
