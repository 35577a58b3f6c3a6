import { JSONPath } from 'jsonpath-plus';
import { isPathName } from '../api/ref.ts';
import { isList, isObject, type Node } from './node.ts';

/**
 * A node as jsonpath-plus sees it: members and items are own properties, and nothing else answers to a name.
 * A list is no array here, since that would have a `length`.
 */
class View {
  readonly #node: Node;
  [name: string]: View;

  constructor(node: Node) {
    this.#node = node;
  }

  static nodeOf(view: View): Node {
    return view.#node;
  }

  /**
   * A search compares by `==`, which asks for this. A text gives itself, everything else undefined, so that
   * neither 7 nor ['x'] ever equals a text.
   */
  [Symbol.toPrimitive](): string | undefined {
    return typeof this.#node === 'string' ? this.#node : undefined;
  }
}

Reflect.deleteProperty(View.prototype, 'constructor');
Object.setPrototypeOf(View.prototype, null);

const views = new WeakMap<object, View>();

/** The view of a node; that of an object or list is kept as long as the node itself. */
function viewOf(node: Node): View {
  if (!isList(node) && !isObject(node)) return new View(node);
  const known = views.get(node);
  if (known !== undefined) return known;
  const view = new View(node);
  if (isList(node)) for (const [index, item] of node.entries()) view[index] = viewOf(item);
  else for (const [name, member] of node) view[viewedName(name)] = viewOf(member);
  views.set(node, view);
  return view;
}

/** After a name the library prefers a member that is called `*` or `?(…)` to what that means: no member is. */
const viewedName = (name: string): string => (isPathName(name) ? name : `^${name}`);

/** A path that keeps to the grammar of refs, and whether it holds a search. */
export interface JsonPath {
  readonly text: string;
  readonly searches: boolean;
}

/** The nodes that a path leads to from a root; if `name` is given, the path names the root itself first. */
export function followJsonPath({ text, searches }: JsonPath, root: Node, name?: string): readonly Node[] {
  let json = viewOf(root);
  if (name !== undefined) {
    json = new View(null);
    json[name] = viewOf(root);
  }
  try {
    // A search is for the library's own interpreter, never for `eval` or `node:vm`. What that throws (on
    // @.constructor where there is no such member) means that nothing is found there.
    const found = JSONPath({
      path: text,
      json,
      eval: searches ? 'safe' : false,
      ignoreEvalErrors: true,
    }) as readonly View[];
    return found.map(View.nodeOf);
  } finally {
    // The library keeps every path that it ever saw.
    JSONPath.clearCache();
  }
}
