import { JSONPath } from 'jsonpath-plus';
import { pathSteps, type PathStep } from '../api/ref.ts';
import { isList, isObject, type Node } from './node.ts';

/**
 * The nodes that a JSONPath leads to from a root, by own members and items only. Names and indices are followed
 * directly, each counted before it is; what a wildcard or a search finds among the children of one node is
 * jsonpath-plus's to say.
 * @param named the first step names the root itself
 * @param take is told before steps are made; may throw
 */
export function followJsonPath(
  path: string,
  root: Node,
  named: boolean,
  take: (steps: number) => void,
): readonly Node[] {
  let nodes: readonly Node[] = [root];
  for (const step of pathSteps(path).slice(named ? 1 : 0)) {
    take(nodes.reduce((steps, node) => steps + passed(step, node), 1));
    nodes = nodes.flatMap((node) => follow(step, node));
  }
  return nodes;
}

/** How many nodes a step passes. */
const passed = (step: PathStep, node: Node): number =>
  step.kind === 'name' ? 1 : isList(node) ? node.length : isObject(node) ? node.size : 0;

const INDEX = /^(0|[1-9][0-9]{0,8})$/;

function follow(step: PathStep, node: Node): readonly Node[] {
  if (step.kind === 'name') {
    const child = childOf(node, step.name);
    return child === undefined ? [] : [child];
  }
  const children = isList(node) ? node : isObject(node) ? [...node.values()] : [];
  return among(children, step);
}

function childOf(node: Node, name: string): Node | undefined {
  if (isObject(node)) return node.get(name);
  return isList(node) && INDEX.test(name) ? node[Number(name)] : undefined;
}

/**
 * A child as jsonpath-plus sees it: with one member, the one that is searched for, whatever its name means to the library.
 */
class View {
  readonly #node: Node;
  readonly m: View | undefined;

  constructor(node: Node, member?: Node) {
    this.#node = node;
    this.m = member === undefined ? undefined : new View(member);
  }

  static nodeOf(view: View): Node {
    return view.#node;
  }

  /** A search compares by `==`, which asks for this. Texts equal texts: neither 7 nor ['x'] is one. */
  [Symbol.toPrimitive](): string | undefined {
    return typeof this.#node === 'string' ? this.#node : undefined;
  }
}

/** Which of the children a wildcard or a search finds. What a tenant wrote is a value there, never part of a path. */
function among(children: readonly Node[], step: Exclude<PathStep, { kind: 'name' }>): readonly Node[] {
  const member = (child: Node): Node | undefined =>
    step.kind === 'where' && isObject(child) ? child.get(step.name) : undefined;
  // A search is for the library's own interpreter, never for `eval` or `node:vm`.
  const search = step.kind === 'where' && { eval: 'safe' as const, sandbox: { text: step.equals } };
  const found = JSONPath({
    path: search ? '$[?(@.m==text)]' : '$[*]',
    json: children.map((child) => new View(child, member(child))),
    eval: false,
    ...search,
  }) as readonly View[];
  return found.map(View.nodeOf);
}
