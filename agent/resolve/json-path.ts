import { pathSteps, type PathStep } from '../api/ref.ts';
import { isList, isObject, type Node } from './node.ts';

/**
 * The nodes that a JSONPath leads to from a root, by own members and items only.
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
  if (step.kind === 'all') return children;
  // Texts equal texts: neither 7 nor ['x'] is one.
  return children.filter((child) => isObject(child) && child.get(step.name) === step.equals);
}

function childOf(node: Node, name: string): Node | undefined {
  if (isObject(node)) return node.get(name);
  return isList(node) && INDEX.test(name) ? node[Number(name)] : undefined;
}
