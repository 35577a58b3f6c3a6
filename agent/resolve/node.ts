/** A number as its source wrote it: 12345678901234567890, 1.0 and 1e3 stay what they are. */
export class ExactNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * Content of a secret that can be looked into. Objects are Maps, so `__proto__` and `constructor` are keys
 * like others, nothing is inherited, and members keep the order of the source.
 */
export type Node = string | boolean | null | ExactNumber | readonly Node[] | ReadonlyMap<string, Node>;

/** How deep objects and lists may lie in each other. */
export const MAX_DEPTH = 64;

export const isList = (node: Node): node is readonly Node[] => Array.isArray(node);
export const isObject = (node: Node): node is ReadonlyMap<string, Node> => node instanceof Map;

/** What a leaf becomes: text as it is, numbers and booleans as in the source, the rest as compact JSON. */
export const textOf = (node: Node): string => (typeof node === 'string' ? node : compact(node));

/** JSON without spaces, numbers and the order of members as in the source. */
function compact(node: Node): string {
  if (node instanceof ExactNumber) return node.source;
  if (isList(node)) return `[${node.map(compact).join(',')}]`;
  if (isObject(node))
    return `{${Array.from(node, ([name, member]) => `${JSON.stringify(name)}:${compact(member)}`).join(',')}}`;
  return JSON.stringify(node);
}
