import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Code, Failure } from '../../agent/api/reasons.ts';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import { LIMITS } from '../../agent/resolve/budget.ts';
import { MAX_DOCUMENT_LENGTH } from '../../agent/resolve/document.ts';
import { MAX_NODES } from '../../agent/resolve/node.ts';
import { resolve } from '../../agent/resolve/refs.ts';
import { MAX_YAML_LENGTH } from '../../agent/resolve/yaml.ts';
import { contentOf, failureOf, NOW } from './content.ts';
import { answerOf, stored, PLAIN } from './stored-secret.ts';

const refs = (count: number, ref: (index: number) => string): { data: object[] } => ({
  data: Array.from({ length: count }, (_, index) => ({ key: `k${index}`, ref: ref(index) })),
});
const fails = (spec: object, ...secrets: StoredSecret[]): Failure =>
  failureOf(() => contentOf(spec, ...secrets));

/** Holds at a limit, and names it in a sentence one beyond. */
function limited(
  code: Code,
  says: RegExp,
  at: [object, ...StoredSecret[]],
  beyond: [object, ...StoredSecret[]],
): void {
  contentOf(...at);
  const failure = fails(...beyond);
  assert.equal(failure.code, code);
  assert.match(failure.message, says);
}

const list = (length: number, item = '1'): string => `[${Array(length).fill(item).join(',')}]`;

test('a document has so many members and items', () => {
  limited(
    'LimitExceeded',
    /^spec\.data\[0\]\.ref \(s\.0\): the secret is granted, but is too large .* 20,000 members and items/,
    [refs(1, () => 's.0'), stored('s', list(MAX_NODES - 1))],
    [refs(1, () => 's.0'), stored('s', list(MAX_NODES))],
  );
});

test('a document has so many characters, one of YAML fewer, and a text as many as it likes', () => {
  const json = (length: number): StoredSecret => stored('s', `["1"${' '.repeat(length - 5)}]`);
  const ref = refs(1, () => 's.0');
  limited('LimitExceeded', /2 MiB/, [ref, json(MAX_DOCUMENT_LENGTH)], [ref, json(MAX_DOCUMENT_LENGTH + 1)]);
  const yaml = (length: number): StoredSecret =>
    stored('s', `- x${'\n'.repeat(length - 3)}`, { format: 'yaml' });
  limited('LimitExceeded', /64 KiB/, [ref, yaml(MAX_YAML_LENGTH)], [ref, yaml(MAX_YAML_LENGTH + 1)]);
});

test('all the documents of a resource have so many members and items together', () => {
  const secrets = Array.from({ length: 6 }, (_, index) => stored(`s${index}`, list(MAX_NODES - 1)));
  limited(
    'LimitExceeded',
    /^spec\.data\[5\]\.ref \(s5\.0\): .* 100,000 members and items together/,
    // However often: what was looked into is paid for.
    [refs(100, (index) => `s${index % 5}.${index}`), ...secrets],
    [refs(6, (index) => `s${index}.0`), ...secrets],
  );
});

test('all the refs of a resource make so many steps', () => {
  const search = (index: number): string => `$.s[?(@.name=='n${index}')].v`;
  const people = Array.from({ length: 1_000 }, (_, index) => ({ name: `n${index}`, v: '1' }));
  limited(
    'LimitExceeded',
    /^spec\.data\[199\]\.ref \(\$\.s\[\?\(@\.name=='n199'\)\]\.v\): .* 200,000 steps/,
    [refs(199, search), stored('s', people)],
    [refs(200, search), stored('s', people)],
  );
});

test('equal refs are followed once', () => {
  const people = Array.from({ length: 5_000 }, (_, index) => ({ name: `n${index}`, v: '1' }));
  const data = contentOf(
    refs(256, () => "$.s[?(@.name=='n7')].v"),
    stored('s', people),
  );
  assert.equal(Object.keys(data).length, 256);
});

test('the texts of a resource have so many characters together, before they are decoded', () => {
  const blank = (count: number): object => ({
    data: refs(count, (index) => `s.${index}`).data.map((entry) => ({ ...entry, decode: 'Base64' })),
  });
  const secret = stored(
    's',
    JSON.stringify(Array(5).fill(' '.repeat(LIMITS.characters.most / 4))).slice(0, -1) + ']',
  );
  // More than a document may have: so in parts.
  const parts = Array.from({ length: 5 }, (_, index) =>
    stored(`s.${index}`, ' '.repeat(LIMITS.characters.most / 4)),
  );
  assert.ok(secret.value.length > MAX_DOCUMENT_LENGTH);
  limited(
    'LimitExceeded',
    /^spec\.data\[4\]\.ref: .* 4,194,304 characters/,
    [blank(4), ...parts],
    [blank(5), ...parts],
  );
});

test('the values of a Secret have a size together, whichever the refs', () => {
  const half = 'x'.repeat(LIMITS.bytes.most / 2);
  limited(
    'SecretTooLarge',
    /^spec\.data\[2\]: .* exceed 1 MiB/,
    [refs(2, () => 's'), stored('s', half)],
    [refs(3, () => 's'), stored('s', half)],
  );
  const members = stored('m', { a: half, b: half });
  assert.match(
    fails({ dataFrom: [{ ref: 'm' }], data: refs(1, () => 's').data }, members, stored('s', 'x')).message,
    /^spec\.dataFrom\[0\]: .* exceed 1 MiB/,
  );
});

test('the keys of a Secret have a size together', () => {
  const members = (count: number): StoredSecret =>
    stored('s', Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${10_000 + index}`, ''])));
  const all = { dataFrom: [{ ref: 's' }] };
  const most = Math.floor(LIMITS.keys.most / 22);
  limited(
    'SecretTooLarge',
    /^spec\.dataFrom\[0\]: .* 128 KiB/,
    [all, members(most)],
    [all, members(most + 1)],
  );
});

test('bytes of equal refs are the same bytes', () => {
  const spec = parseSpec({ metadata: { name: 'x' }, spec: refs(256, () => 's') });
  const pieces = resolve(spec, {
    answer: answerOf(stored('s', 'x'.repeat(4_000))),
    namespace: 'team-a',
    grants: 'enforce',
    scope: PLAIN,
    now: NOW,
  });
  let piece = pieces.next();
  while (piece.done !== true) piece = pieces.next();
  assert.equal(new Set(piece.value.data.values()).size, 1);
});

/** Fills 32 refs of a thousand characters, over a chain of members that end in a name of many dots. */
function chain(depth: number, parts: number): { spec: object; secret: StoredSecret } {
  const leaf = Array(parts).fill('a').join('.');
  let node: object = { [leaf]: 'v' };
  for (let level = 0; level < depth; level++) node = { a: node };
  return { spec: refs(32, () => `s${'.a'.repeat(depth)}.${leaf}`), secret: stored('s', node) };
}

test('a ref of many dots over names of many dots is read in as many steps as the secret has members', () => {
  const { spec, secret } = chain(38, 470);
  assert.equal(contentOf(spec, secret)['k7'], 'v');
  // Every level has a name for each number of parts: each ref differs, so that none is followed twice.
  const object: Record<string, unknown> = {};
  let inner = object;
  for (let depth = 0; depth < 50; depth++) {
    for (let parts = 2; parts < 300; parts++) inner[Array(parts).fill('a').join('.')] = 1;
    inner = inner['a'] = {};
  }
  const many = refs(64, (index) => `s${'.a'.repeat(200 + index)}`);
  assert.equal(fails(many, stored('s', object)).code, 'LimitExceeded');
});

test('what is largest comes in pieces', () => {
  const secrets = Array.from({ length: 5 }, (_, index) =>
    stored(`s${'.s'.repeat(index)}`, list(MAX_NODES - 1)),
  );
  const spec = parseSpec({ metadata: { name: 'x' }, spec: refs(256, (index) => `s.s.s.s.s.${index}`) });
  const pieces = resolve(spec, {
    answer: answerOf(...secrets),
    namespace: 'team-a',
    grants: 'enforce',
    scope: PLAIN,
    now: NOW,
  });
  let count = 0;
  while (pieces.next().done !== true) count += 1;
  assert.ok(count >= 256 * 5, `${count} pieces`);
});
