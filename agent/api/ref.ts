import { Failure } from './reasons.ts';
import { firstBroken, type Rule } from './rule.ts';

/** Code points; the CRD has the same limit. */
export const REF_MAX_LENGTH = 1024;

/**
 * A ref that keeps to the rules below; `text` is as its author wrote it. A dotted one stays whole: names have
 * dots, so its splits are tried. A JSONPath is followed step by step, within the one secret that it names.
 */
export type Ref =
  | { readonly kind: 'dotted'; readonly text: string }
  | {
      readonly kind: 'jsonpath';
      readonly text: string;
      readonly secret: string;
      /** Nothing follows the name of the secret. */
      readonly whole: boolean;
    };

// These sources are written so that RE2 (CEL) and JavaScript read them alike; the CRD repeats them. They leave
// out what jsonpath-plus 11.3, whose paths these are, takes for something else, quoted or not: in names its
// operators and quotes (^ ~ ; , @ # $ * and brackets), `..` and slices such as 1:2; in the text of a search ( ) and
// @; in the name that is searched for a dash, which is a minus to it. Each part stands there once, for the sake of
// CEL's budget.
const PLAIN = '[A-Za-z_][A-Za-z0-9_-]*';
const LETTER = '[^\\x00-@\\[-^`{-\\x7f]';
const CHARACTER = '[^\\x00-\\x1f!-*,;<>-@\\[-^`{-\\x7f]';
const QUOTED = `[0-9./:=+ -]*${LETTER}${CHARACTER}*|[0-9][0-9.-]*`;
const NAME = `[.]${PLAIN}|\\['(${QUOTED})'\\]`;
const INDEX = '\\[(0|[1-9][0-9]{0,5})\\]';
const SELECTOR = "\\[[*]\\]|\\[[?][(]@[.][A-Za-z_][A-Za-z0-9_]*=='[^'\\\\()@[]*'[)]\\]";

/** The steps of a ref that begins with `$`. */
export const JSON_PATH_PATTERN = `^[$](${NAME}|${INDEX}|${SELECTOR})+$`;
/** The first of them is a name. */
export const NAME_FIRST_PATTERN = "^[$]([.]|\\[')";
/** More than one of them selects. */
export const TWO_SELECTORS_PATTERN = '\\[[*?].*\\[[*?]';
/** Control characters, and what some programs take for line ends. */
export const CONTROL_PATTERN = '[\\p{Cc}\\p{Zl}\\p{Zp}]';
/** A dot too many. */
export const EMPTY_NAME_PATTERN = '(^|[.])([.]|$)';
/** The end of a ref in `labels` and `annotations`. */
export const PUBLIC_PATTERN = '[.](labels|annotations)[.][^.]+$';

const jsonPath = new RegExp(JSON_PATH_PATTERN, 'u');
const nameFirst = new RegExp(NAME_FIRST_PATTERN, 'u');
const twoSelectors = new RegExp(TWO_SELECTORS_PATTERN, 'u');
const control = new RegExp(CONTROL_PATTERN, 'u');
const emptyName = new RegExp(EMPTY_NAME_PATTERN, 'u');
const publicEnd = new RegExp(PUBLIC_PATTERN, 'u');

/** Rules for a ref in `data`. */
export const REF_RULES: readonly Rule[] = [
  {
    message: 'must not contain control characters: write the ref on one line, without tabs',
    holds: (text) => text.isWellFormed() && !control.test(text),
  },
  {
    message:
      'must not contain empty names: join the name of the secret, the names of members and array indices by single dots, such as databaseCredentials.cocaCola.data.username',
    holds: (text) => text.startsWith('$') || !emptyName.test(text),
  },
  {
    message:
      "must be a JSONPath such as $.secret.name[0]['other.name'] if it begins with $, with at most one [*] or [?(@.name=='text')] below the secret, names of letters, digits, spaces and . _ - / : = +, and a text without quotes, backslashes, parentheses, [ and @: write what does not fit as a dotted ref",
    holds: (text) =>
      !text.startsWith('$') || (jsonPath.test(text) && nameFirst.test(text) && !twoSelectors.test(text)),
  },
];

/** Rules for a ref in `labels` and `annotations`. */
export const PUBLIC_REF_RULES: readonly Rule[] = [
  ...REF_RULES.slice(0, 2),
  {
    message:
      'must be dotted and end in .labels.NAME or .annotations.NAME: metadata is public, so only what the secret itself lists there may be shown',
    holds: (text) => !text.startsWith('$') && publicEnd.test(text),
  },
];

/** Takes a text apart that satisfies REF_RULES; throws `RefInvalid` for any other. */
export function parseRef(text: string): Ref {
  const broken = firstBroken(REF_RULES, text);
  if (broken !== undefined) throw new Failure('RefInvalid', `the ref ${broken}`);
  if (!text.startsWith('$')) return { kind: 'dotted', text };
  const { plain, quoted, below } = SECRET.exec(text)!.groups!;
  return {
    kind: 'jsonpath',
    text,
    secret: (plain ?? quoted)!,
    whole: below === '',
  };
}

const SECRET = new RegExp(`^[$]([.](?<plain>${PLAIN})|\\['(?<quoted>[^']+)'\\])(?<below>.*)$`, 'u');

/** The name that a hint calls the secret by: certain for a JSONPath, for a dotted ref what stands before the first dot. */
export const likelySecret = (ref: Ref): string =>
  ref.kind === 'jsonpath' ? ref.secret : ref.text.slice(0, `${ref.text}.`.indexOf('.'));

/** One step of a JSONPath: a member or item by name or index; all of them; those that have a text for a member. */
export type PathStep =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'where'; readonly name: string; readonly equals: string };

const STEP = new RegExp(
  `[.](?<plain>${PLAIN})|\\['(?<quoted>[^']+)'\\]|\\[(?<index>[0-9]+)\\]|\\[[*]\\]|\\[[?][(]@[.](?<member>[^=]+)=='(?<equals>[^']*)'[)]\\]`,
  'guy',
);

/** The steps of a path that keeps to the rules, the name of the secret first. */
export const pathSteps = (text: string): PathStep[] =>
  Array.from(text.slice(1).matchAll(STEP), ({ groups = {} }) => {
    const { plain, quoted, index, member, equals } = groups;
    const name = plain ?? quoted ?? index;
    if (name !== undefined) return { kind: 'name', name };
    return member === undefined ? { kind: 'all' } : { kind: 'where', name: member, equals: equals! };
  });
