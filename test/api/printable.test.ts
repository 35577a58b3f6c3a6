import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { printable, printableLines } from '../../agent/api/printable.ts';
import { Failure, hintFor, REASONS, type Code } from '../../agent/api/reasons.ts';
import { shellWord } from '../../agent/api/shell-word.ts';
import { createLog } from '../../agent/log.ts';
import { html } from '../../agent/page/html.ts';

/** Some characters of each of Unicode's categories. */
const CATEGORIES =
  'Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn'.split(' ');
const points = [
  ...Array.from({ length: 0x3000 }, (_, point) => point),
  ...Array.from({ length: 4_000 }, (_, index) => 0x3000 + index * 271),
];
const samples = CATEGORIES.flatMap((category) => {
  const matches = new RegExp(`^\\p{${category}}$`, 'u');
  const found = points
    .map((point) => String.fromCodePoint(point))
    .filter((character) => matches.test(character));
  assert.ok(found.length > 0, category);
  return found.filter((_, index) => index % Math.ceil(found.length / 8) === 0);
});
const deceptive = [
  '\u001b[2J',
  '\u009b31m',
  '\u202e',
  '\u2066',
  '\u061c',
  '\u200b',
  '\ufeff',
  '\u2028',
  '\u2029',
  '\u0085',
  '\r',
  '\n',
  '\t',
  '\b',
  '\u00a0',
  '\u3000',
  '\u{e0041}',
  '\ud800',
];
const shell = [
  '$(touch pwned)',
  '`id`',
  '"',
  "'",
  '\\',
  ';',
  '&',
  '|',
  '\n',
  '!',
  '~',
  '*',
  '#',
  ' ',
  '-n',
  '{a,b}',
  '$HOME',
  "$'",
  '\\x41',
  "\\'",
  'a',
];
const wild = fc
  .array(fc.constantFrom(...samples, ...deceptive, ...shell), { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join(''));

const UNSEEN = /(?! )[\p{C}\p{Z}]/u;

test('whatever is in a text, only what can be seen is shown, and plain text stays as it is', () => {
  fc.assert(
    fc.property(wild, (text) => {
      assert.doesNotMatch(printable(text), UNSEEN);
      assert.equal(printable(printable(text)), printable(text));
      assert.doesNotMatch(printableLines(text).replaceAll('\n', ''), UNSEEN);
      assert.equal(printableLines(text).split('\n').length, text.split('\n').length);
      assert.deepEqual(JSON.parse(printable(JSON.stringify(text))), JSON.parse(JSON.stringify(text)));
    }),
    { numRuns: 2_000 },
  );
  const plain = 'db.user\'s {"password"} \\ é ß 日本 😀 ©';
  assert.equal(printable(plain), plain);
  assert.equal(printable('db\u202egnp\u001b[2J\u{e0041}'), 'db\\u202egnp\\u001b[2J\\udb40\\udc41');
});

test('messages, hints, log lines and the page show nothing unseen', () => {
  const lines: string[] = [];
  const log = createLog('info', {}, { write: (line) => lines.push(line) });
  fc.assert(
    fc.property(wild, fc.constantFrom(...(Object.keys(REASONS) as Code[])), (text, code) => {
      const context = { namespace: text, name: text, target: text, secret: text, pod: text };
      log.info('VSecMSecret fails', { secretName: text, names: [text], ref: text });
      const shown = [
        new Failure(code, `spec.data[0].ref (${text}): no`).message,
        new Failure(code, text).within(context).message,
        hintFor(code, context),
        lines.at(-1)!.slice(0, -1),
        html`<p title="${text}">${text}</p>`.text,
      ];
      for (const one of shown) assert.doesNotMatch(one, UNSEEN);
      const { secretName, names } = JSON.parse(lines.at(-1)!) as { secretName: string; names: string[] };
      assert.deepEqual(
        [secretName, names],
        [text, [text]].map((one) => JSON.parse(JSON.stringify(one)) as unknown),
      );
    }),
    { numRuns: 2_000 },
  );
});

/** What bash makes of a command's words, each of them printed with its length; several commands at a time. */
function wordsOf(commands: readonly string[]): string[][] {
  const script = commands.map((command) => `args ${command}`).join('\n');
  const header = 'args() { for one in "$@"; do printf "%s\\0" "$one"; done; printf "\\n\\0"; }\n';
  execFileSync('bash', ['-n'], { input: header + script });
  const output = execFileSync('bash', ['--norc', '--noprofile'], {
    input: header + script,
    env: { LC_ALL: 'C' },
  }).toString();
  const all: string[][] = [[]];
  for (const word of output.split('\0').slice(0, -1)) {
    if (word === '\n') all.push([]);
    else all.at(-1)!.push(word);
  }
  return all.slice(0, -1);
}

/** What a ref may name: well-formed, and not NUL, which no program can be given. */
const nameable = wild.filter((text) => text.isWellFormed() && !text.includes('\0') && text !== '\n');

test('a word is one word to a shell, and the very text', () => {
  const texts = fc.sample(nameable, 500);
  assert.deepEqual(
    wordsOf(texts.map((text) => shellWord(text))),
    texts.map((text) => [text]),
  );
  assert.equal(shellWord('raw:db.user-1'), 'raw:db.user-1');
  assert.equal(shellWord('raw:db$(touch pwned)'), "'raw:db$(touch pwned)'");
  assert.equal(shellWord("it's"), "'it'\\''s'");
  assert.equal(shellWord('db\u202e1'), "$'db\\xe2\\x80\\xae1'");
});

test('the command of a hint registers the very secret, for the very namespace', () => {
  const names = fc.sample(nameable, 200);
  const commands = names.map((secret) => {
    const hint = hintFor('NotGranted', { secret, namespace: 'shop' });
    return hint.slice(hint.indexOf(': safe -w ') + 2);
  });
  assert.deepEqual(
    wordsOf(commands),
    names.map((secret) => ['safe', '-w', `raw:${secret}`, '-n', 'shop', '-s', 'VALUE']),
  );
});

test('a name that is too long for a hint is left to the reader, and a message has an end', () => {
  const [secret, most] = ['s'.repeat(157), 's'.repeat(156)];
  assert.match(hintFor('NotGranted', { secret }), /safe -w raw:SECRET /);
  assert.match(hintFor('NotGranted', { secret: most }), /safe -w raw:s{156} /);
  assert.match(hintFor('NotGranted', { secret: '\u202e'.repeat(20) }), /safe -w raw:SECRET /);
  for (const text of ['x'.repeat(801), '\u202e'.repeat(1_000)]) {
    const { message } = new Failure('RefNotFound', text);
    assert.ok(message.length === 801 && message.endsWith('…'), message);
  }
  assert.equal(new Failure('RefNotFound', 'x'.repeat(800)).message.length, 800);
  assert.equal(new Failure('RefNotFound', 'x'.repeat(900)).within({}).message.length, 801);
});
