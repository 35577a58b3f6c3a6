import type { Entry } from '../api/entry.ts';
import { SECRET_KEY_RULES } from '../api/syntax.ts';
import { firstBroken } from '../api/rule.ts';
import type { Spec } from '../api/vsecmsecret.ts';
import { checkMetadata, checkSize, type Desired } from './desired.ts';
import { textOf } from './node.ts';
import { Resolver, type Resolution } from './resolver.ts';
import { checkType } from './typed-secret.ts';
import { bytesOf, encode } from './value.ts';

/**
 * The content that a spec asks for, whole or not at all: throws a Failure of stage resolve (or
 * `SecretTooLarge`) for the first ref that cannot be served. Depends on nothing but the secrets that the
 * namespace can see; messages hold names alone: those that the resource's author wrote, and those of members
 * that cannot become keys.
 */
export function resolve(spec: Spec, resolution: Resolution): Desired {
  const resolver = new Resolver(resolution);
  const data = dataOf(spec, resolver);
  checkSize(data);
  checkType(spec.target.type, data);
  const labels = metadataOf(spec, 'labels', resolver);
  const annotations = metadataOf(spec, 'annotations', resolver);
  return { data, labels, annotations, ...resolver.sources() };
}

/** The keys of `data`, and those of the objects of `dataFrom` that `data` does not give. */
function dataOf(spec: Spec, resolver: Resolver): Map<string, Uint8Array> {
  const data = new Map<string, Uint8Array>();
  for (const [index, { key, ref, decode }] of spec.data.entries()) {
    const where = `spec.data[${index}]`;
    data.set(key, bytesOf(resolver.text(ref, `${where}.ref`, 'value'), decode, where, key));
  }
  const own = new Set(data.keys());
  for (const [index, { ref }] of spec.dataFrom.entries()) {
    const where = `spec.dataFrom[${index}]`;
    const { members, fail } = resolver.members(ref, `${where}.ref`);
    for (const [name, node] of members) {
      if (own.has(name)) continue;
      if (name.length > 253 || firstBroken(SECRET_KEY_RULES, name) !== undefined)
        fail('ValueInvalid', `the member ${quote(name)} of the object there cannot be a key of a Secret`);
      if (data.has(name)) fail('RefAmbiguous', `the key ${name} comes from another dataFrom as well`);
      if (node === null) fail('RefIsNull', `the member ${name} of the object there is null`);
      data.set(name, encode(textOf(node), where, name));
    }
  }
  return data;
}

function metadataOf(spec: Spec, list: 'labels' | 'annotations', resolver: Resolver): Map<string, string> {
  const entries: readonly Entry[] = spec[list];
  const texts = new Map(
    entries.map(({ key, ref }, index) => [key, resolver.text(ref, `spec.${list}[${index}].ref`, 'metadata')]),
  );
  checkMetadata(texts, list);
  return texts;
}

const quote = (name: string): string => JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
