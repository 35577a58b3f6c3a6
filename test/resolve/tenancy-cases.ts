import * as fc from 'fast-check';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import { stored } from './stored-secret.ts';

export const NOW = Date.UTC(2026, 10, 24, 12);

// Few names, so that prefixes of each other, equal paths and ambiguities are frequent.
const part = fc.constantFrom('a', 'a', 'a', 'b', 'b', 'labels', '0');
const secretName = fc.constantFrom(
  'a',
  'a',
  'aa',
  'a-a',
  'a.a',
  'a.b',
  'a.a.a',
  'b',
  'b',
  'b.a',
  'b.labels',
  'vsecm-k',
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    { arbitrary: fc.constantFrom('text', 'text', 7, null), weight: 1 },
    { arbitrary: fc.array(tie('tree'), { maxLength: 2 }), weight: 1 },
    {
      arbitrary: fc.dictionary(
        fc.constantFrom('a', 'a', 'b', 'a.a', 'a.b', 'labels', 'b.labels'),
        tie('tree'),
        {
          minKeys: 1,
          maxKeys: 4,
        },
      ),
      weight: 4,
    },
  ),
}));
const content = fc.oneof(
  { arbitrary: tree.map((value) => JSON.stringify(value)), weight: 9 },
  fc.constantFrom('plain', '{broken', 'a:\n  b: c'),
);

const secretOf = (namespaces: string[][]): fc.Arbitrary<StoredSecret> =>
  fc
    .record({
      name: secretName,
      value: content,
      namespaces: fc.constantFrom(...namespaces),
      format: fc.constantFrom('', 'yaml', 'json'),
      shift: fc.constantFrom(-1, ...Array<number>(14).fill(0), 1),
    })
    .map(({ name, value, namespaces, format, shift }) =>
      stored(name, value, {
        namespaces,
        format,
        ...(shift < 0
          ? { expiresAfter: 1n }
          : shift > 0
            ? { notBefore: BigInt(NOW + 1000) * 1_000_000n }
            : {}),
      }),
    );

/** A secret that namespace team-a may use. */
export const mine = secretOf([['team-a'], ['*'], ['team-b', 'team-a']]);
/** A secret that it may not. */
export const theirs = secretOf([['team-b'], ['default'], [], [''], ['team-a-2']]);

const dotted = fc
  .tuple(secretName, fc.array(part, { maxLength: 3 }))
  .map(([name, parts]) => [name, ...parts].join('.'));
const step = fc.oneof(
  part.map((name) => `['${name}']`),
  fc.constantFrom('.a', '.b', '[0]', '[1]', "['a.b']"),
);
const jsonPath = fc
  .tuple(
    secretName,
    fc.array(step, { maxLength: 3 }),
    fc.constantFrom('', '[*]', "[?(@.a=='text')]", "[?(@.b=='')]", "[?(@.labels=='text')]"),
    fc.array(step, { maxLength: 2 }),
  )
  .map(([name, before, one, after]) => `$['${name}']${before.join('')}${one}${after.join('')}`);
const ref = fc.oneof(dotted, jsonPath);
const entry = fc.record({
  key: fc.constantFrom('x', 'y', 'a'),
  ref,
  decode: fc.constantFrom('None', 'None', 'None', 'Base64'),
});
const data = fc.uniqueArray(entry, { selector: ({ key }) => key, maxLength: 2 });
const dataFrom = fc.uniqueArray(fc.record({ ref }), { selector: ({ ref }) => ref, maxLength: 2 });
const target = fc.oneof(
  { arbitrary: fc.constantFrom({}, { creationPolicy: 'Merge' }, { creationPolicy: 'Orphan' }), weight: 8 },
  fc.constant({ type: 'kubernetes.io/ssh-auth' }),
);
const labels = fc.oneof(
  { arbitrary: fc.constant([]), weight: 4 },
  dotted.map((ref) => [{ key: 'l', ref: `${ref}.labels.a` }]),
);
const values = fc.oneof(
  { arbitrary: fc.constant<{ name: string; ref: string }[]>([]), weight: 1 },
  fc.array(fc.record({ name: fc.constantFrom('u', 'v'), ref }), { maxLength: 1 }),
);
const operand = (name: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    ...[name, name, name, `${name}.a | default: "none"`, `${name} | b64dec`],
    ...[`${name}.a`, `${name}.b`, `${name}.a.b`],
  );
/** Templates of all the values, as keys of their own. */
const templates = (all: { name: string }[]): fc.Arbitrary<{ key: string; template: string }[]> =>
  fc
    .tuple(...all.map(({ name }) => operand(name)))
    .map((operands) => operands.map((one, index) => ({ key: `t${index}`, template: `<{{ ${one} }}>` })));

/** A spec whose refs lead anywhere or nowhere. */
export const spec = fc
  .record({ values, data, dataFrom, target, labels })
  .filter(({ data, dataFrom, target }) => dataFrom.length > 0 || (data.length > 0 && !('type' in target)))
  .chain((draft) =>
    templates(draft.values).map((composed) => ({ ...draft, data: [...draft.data, ...composed] })),
  );

/** Refs of every form to what a secret holds, so that refs lead somewhere more often than by chance. */
function refsInto(secret: StoredSecret): string[] {
  const refs: string[] = [];
  const visit = (value: unknown, dotted: string, path: string): void => {
    refs.push(dotted, path);
    if (typeof value !== 'object' || value === null) return;
    for (const [name, child] of Object.entries(value)) {
      visit(child, `${dotted}.${name}`, Array.isArray(value) ? `${path}[${name}]` : `${path}['${name}']`);
      for (const [member, text] of Object.entries(child ?? {}))
        if (/^[a-z]+$/.test(member) && typeof text === 'string') {
          const search = `${path}[?(@.${member}=='${text}')]`;
          refs.push(search, search, `${search}.${member}`);
        }
    }
  };
  let value: unknown;
  try {
    value = JSON.parse(secret.value);
  } catch {
    value = undefined;
  }
  visit(value, secret.name, `$['${secret.name}']`);
  return refs;
}

type Draft = {
  values: { ref: string }[];
  data: ({ ref: string } | { template: string })[];
  dataFrom: { ref: string }[];
};

/** The spec with three of four refs exchanged for such as lead into the secrets. */
export function aimed<T extends Draft>(
  draft: T,
  secrets: readonly StoredSecret[],
  choices: Iterator<number>,
): T {
  const refs = secrets.flatMap(refsInto);
  const aim = <E extends { ref: string }>(entry: E): E => {
    const choice: number = choices.next().value;
    return choice % 4 === 0 ? entry : { ...entry, ref: refs[choice % refs.length]! };
  };
  const dataFrom = new Map(draft.dataFrom.map(aim).map((entry) => [entry.ref, entry]));
  const data = draft.data.map((entry) => ('ref' in entry ? aim(entry) : entry));
  return { ...draft, values: draft.values.map(aim), data, dataFrom: [...dataFrom.values()] };
}
