import * as fc from 'fast-check';
import { parseRef } from '../../agent/api/ref.ts';
import { isList, isObject, type Node } from '../../agent/resolve/node.ts';

type Step =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'where'; readonly name: string; readonly equals: string };

/** What a path means, said a second time: each step maps nodes to nodes, by own members and items only. */
export const reference = (root: Node, steps: readonly Step[]): readonly Node[] =>
  steps.reduce<readonly Node[]>((nodes, step) => nodes.flatMap((node) => take(node, step)), [root]);

function take(node: Node, step: Step): Node[] {
  const children = isList(node)
    ? node.map((item, i) => [String(i), item] as const)
    : isObject(node)
      ? [...node]
      : [];
  switch (step.kind) {
    case 'name':
      return children.filter(([name]) => name === step.name).map(([, child]) => child);
    case 'all':
      return children.map(([, child]) => child);
    case 'where':
      return children
        .map(([, child]) => child)
        .filter((child) => isObject(child) && child.get(step.name) === step.equals);
  }
}

// Names that the grammar takes, and on top of them such as only a document can have. Those that mean something
// to JavaScript or to the library are frequent.
const plain = fc.constantFrom(
  'a',
  'b',
  'name',
  '__proto__',
  'constructor',
  'length',
  'toString',
  'valueOf',
  '_v',
);
export const quotable = fc
  .oneof(
    plain,
    fc.constantFrom(
      '0',
      '1',
      '10.0.0.1',
      'a.b',
      '.a',
      'a..b',
      'a-b',
      'https://a:1/v',
      'é',
      'a b',
      'root',
      'path',
    ),
    fc.string({
      unit: fc.constantFrom('a', 'Z', '1', '.', '/', ':', '=', '+', '-', '_', ' ', 'é', '😀'),
      maxLength: 6,
    }),
  )
  .filter((name) => accepted(`$.s['${name}']`));
const wild = fc.oneof(
  quotable,
  fc.constantFrom('..', '.', '*', '$', '^', '~', '', '`a', '@', '1:2', "a'b", '#0', ';'),
);
const text = fc.oneof(
  fc.constantFrom('x', '', '7', 'true', 'null', 'undefined', '[object Object]', 'x,y', '2'),
  fc.string({
    unit: fc.constantFrom(
      'x',
      '1',
      ']',
      '.',
      '?',
      '*',
      '"',
      '`',
      ';',
      '#',
      '^',
      '~',
      '$',
      '%',
      '&',
      '|',
      '=',
      ',',
      ' ',
      '/',
      'é',
    ),
    maxLength: 6,
  }),
);
export const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'tree' },
    fc.oneof(text, fc.constantFrom<unknown>(true, false, null, 7, 1e21, ['x'], ['x', 'y'], [[1, 2]], {})),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(wild, tie('tree'), { maxKeys: 4 }),
    fc.dictionary(plain, text, { maxKeys: 4 }),
  ),
}));

export const records = fc.oneof(
  fc.array(fc.oneof(fc.dictionary(plain, text, { minKeys: 1, maxKeys: 3 }), tree), {
    minLength: 1,
    maxLength: 4,
  }),
  fc.dictionary(wild, fc.dictionary(plain, text, { minKeys: 1, maxKeys: 3 }), { minKeys: 1, maxKeys: 4 }),
);

export function accepted(path: string): boolean {
  try {
    parseRef(path);
    return true;
  } catch {
    return false;
  }
}

interface Written {
  readonly text: string;
  readonly step: Step;
}
const named: fc.Arbitrary<Written> = fc.oneof(
  plain.map((name) => ({ text: `.${name}`, step: { kind: 'name', name } as const })),
  quotable.map((name) => ({ text: `['${name}']`, step: { kind: 'name', name } as const })),
  fc
    .nat({ max: 3 })
    .map((index) => ({ text: `[${index}]`, step: { kind: 'name', name: `${index}` } as const })),
);
const selected: fc.Arbitrary<Written> = fc.oneof(
  fc.constant({ text: '[*]', step: { kind: 'all' } as const }),
  fc.tuple(plain, text).map(([name, equals]) => ({
    text: `[?(@.${name}=='${equals}')]`,
    step: { kind: 'where', name, equals } as const,
  })),
);
export const path = fc
  .tuple(
    fc.array(named, { maxLength: 2 }),
    fc.array(selected, { maxLength: 1 }),
    fc.array(named, { maxLength: 2 }),
  )
  .map((parts) => parts.flat());

/** The same path, most of its steps exchanged for such as lead somewhere. */
export function along(root: Node, written: readonly Written[], choices: Iterator<number>): Written[] {
  let at: Node = root;
  return written.map((part) => {
    const choice = choices.next().value as number;
    const children: readonly (readonly [string, Node])[] = isList(at)
      ? at.map((item, i) => [`${i}`, item])
      : isObject(at)
        ? [...at]
        : [];
    if (part.step.kind === 'where') {
      const texts = children
        .flatMap(([, child]) => (isObject(child) ? [...child] : []))
        .filter(
          ([name, value]) => plainName.test(name) && typeof value === 'string' && !/['\\()@[]/.test(value),
        );
      const [name, equals] = (texts[choice % texts.length] ?? [part.step.name, part.step.equals]) as [
        string,
        string,
      ];
      const step = { kind: 'where', name, equals } as const;
      at = take(at, step)[0] ?? null;
      return { text: `[?(@.${name}=='${equals}')]`, step };
    }
    const [name, child] = children[choice % children.length] ?? ['a', null];
    at = child;
    return part.step.kind === 'all' || choice % 5 === 0
      ? part
      : { text: `['${name}']`, step: { kind: 'name', name } };
  });
}
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;
