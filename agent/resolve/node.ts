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

/**
 * How many values a document may have, objects and lists among them: more than there are keys in the largest
 * Secret, and read within 10 ms.
 */
export const MAX_NODES = 20_000;

export const isList = (node: Node): node is readonly Node[] => Array.isArray(node);
export const isObject = (node: Node): node is ReadonlyMap<string, Node> => node instanceof Map;

/** What a leaf becomes: text as it is, numbers and booleans as in the source, the rest as compact JSON. */
export const textOf = (node: Node): string => textWithin(node, Infinity)!;

/** As `textOf`, or `undefined` if that has more than `most` characters, of which no more are put together. */
export function textWithin(node: Node, most: number): string | undefined {
  const text = typeof node === 'string' ? node : compact(node, most);
  return text === undefined || text.length > most ? undefined : text;
}

/** JSON without spaces, numbers and the order of members as in the source. */
function compact(node: Node, most: number): string | undefined {
  if (node instanceof ExactNumber) return node.source;
  if (isList(node)) return joined(node, most, '[', ']', (item, left) => compact(item, left));
  if (!isObject(node))
    return typeof node === 'string' && node.length > most ? undefined : JSON.stringify(node);
  return joined(node, most, '{', '}', ([name, member], left) => {
    const text = compact(member, left);
    return text === undefined || name.length > left ? undefined : `${JSON.stringify(name)}:${text}`;
  });
}

function joined<Item>(
  items: Iterable<Item>,
  most: number,
  open: string,
  close: string,
  write: (item: Item, left: number) => string | undefined,
): string | undefined {
  let text = open;
  for (const item of items) {
    const written = write(item, most - text.length);
    if (written === undefined) return undefined;
    text += text === open ? written : `,${written}`;
    if (text.length > most) return undefined;
  }
  return text + close;
}
