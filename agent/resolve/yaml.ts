import { defineMappingTag, defineScalarTag, FAILSAFE_SCHEMA, load, NOT_RESOLVED, nullCoreTag } from 'js-yaml';
import { ExactNumber, isList, isObject, MAX_DEPTH, type Node } from './node.ts';

/** Characters of a YAML document that is looked into: js-yaml takes up to 25 ms for so many, and cannot be interrupted. */
export const MAX_YAML_LENGTH = 64 * 1024;

const JSON_NUMBER = /^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$/;

/** A plain scalar that JSON would call a number; its source stays, and 012, 0x1f or .5 are text. */
const number = defineScalarTag('tag:yaml.org,2002:float', {
  implicit: true,
  resolve: (source) => (JSON_NUMBER.test(source) ? new ExactNumber(source) : NOT_RESOLVED),
  identify: () => false,
});

const boolean = defineScalarTag('tag:yaml.org,2002:bool', {
  implicit: true,
  resolve: (source) => (source === 'true' ? true : source === 'false' ? false : NOT_RESOLVED),
  identify: () => false,
});

/** Mappings as Maps with text for keys, as the JSON reader makes them. */
const mapping = defineMappingTag<Map<string, Node>>('tag:yaml.org,2002:map', {
  create: () => new Map(),
  addPair(map, key, value) {
    const name = keyOf(key as Node);
    if (name === undefined) return 'not a name';
    map.set(name, value as Node);
    return '';
  },
  has: (map, key) => map.has(keyOf(key as Node) ?? ''),
  keys: (map) => map.keys(),
  get: (map, key) => map.get(keyOf(key as Node) ?? ''),
  identify: () => false,
});

function keyOf(key: Node): string | undefined {
  if (key instanceof ExactNumber) return key.source;
  return isList(key) || isObject(key) ? undefined : String(key);
}

/** Text, lists and mappings (the failsafe schema), and JSON's own null, true, false and numbers. */
const schema = FAILSAFE_SCHEMA.withTags(mapping, nullCoreTag, boolean, number);

/**
 * Reads one YAML document, or returns undefined: not YAML, nested deeper than MAX_DEPTH, or with aliases,
 * by which a few lines can stand for gigabytes. js-yaml's own message quotes the input, so it goes no further.
 */
export function readYaml(text: string): Node | undefined {
  try {
    return load(text, { schema, maxAliases: 0, maxDepth: MAX_DEPTH }) as Node;
  } catch {
    return undefined;
  }
}
