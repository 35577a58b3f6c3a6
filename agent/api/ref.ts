import { Failure } from './reasons.ts';
import { firstBroken, type Rule } from './rule.ts';

/** Code points; the CRD has the same limit. */
export const REF_MAX_LENGTH = 1024;

/** One step of a JSONPath below the secret's name. `where` picks members whose own property `name` is the text `equals`. */
export type Step =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'where'; readonly name: string; readonly equals: string };

/** A parsed ref; `text` is as its author wrote it. A dotted one stays whole: names have dots, so its splits are tried. */
export type Ref =
  | { readonly kind: 'dotted'; readonly text: string }
  | {
      readonly kind: 'jsonpath';
      readonly text: string;
      readonly secret: string;
      readonly steps: readonly Step[];
    };

// These sources are written so that RE2 (CEL) and JavaScript read them alike; the CRD repeats them.
const NAME = "[.][A-Za-z_][A-Za-z0-9_-]*|\\['[^'\\\\]{1,253}'\\]";
const INDEX = '\\[[0-9]{1,6}\\]';
const SELECTOR = "\\[[*]\\]|\\[[?][(]@[.][A-Za-z_][A-Za-z0-9_-]*=='[^'\\\\]{0,253}'[)]\\]";

/** The whole grammar of a ref that begins with `$`. */
export const JSON_PATH_PATTERN = `^[$](${NAME})((${NAME})|${INDEX})*((${SELECTOR})((${NAME})|${INDEX})*)?$`;
/** Control characters, and what some programs take for line ends. */
export const CONTROL_PATTERN = '[\\p{Cc}\\p{Zl}\\p{Zp}]';
/** A dot too many. */
export const EMPTY_NAME_PATTERN = '(^|[.])([.]|$)';
/** The end of a ref in `labels` and `annotations`. */
export const PUBLIC_PATTERN = '[.](labels|annotations)[.][^.]+$';

const jsonPath = new RegExp(JSON_PATH_PATTERN, 'u');
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
      "must be a JSONPath of the form $.secret.name[0]['other.name'] if it begins with $, with at most one [*] or [?(@.name=='text')] below the secret",
    holds: (text) => !text.startsWith('$') || jsonPath.test(text),
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
  const [first, ...steps] = parseSteps(text);
  if (first?.kind !== 'name')
    throw new Failure('RefInvalid', 'the ref does not begin with the name of a secret');
  return { kind: 'jsonpath', text, secret: first.name, steps };
}

const TOKEN =
  /[.]([A-Za-z_][A-Za-z0-9_-]*)|\['([^'\\]+)'\]|\[([0-9]+)\]|(\[[*]\])|\[[?][(]@[.]([A-Za-z_][A-Za-z0-9_-]*)=='([^'\\]*)'[)]\]/guy;

function parseSteps(path: string): Step[] {
  const steps: Step[] = [];
  for (const [, plain, quoted, index, all, member, equals] of path.slice(1).matchAll(TOKEN)) {
    const name = plain ?? quoted;
    if (name !== undefined) steps.push({ kind: 'name', name });
    else if (index !== undefined) steps.push({ kind: 'index', index: Number(index) });
    else if (all !== undefined) steps.push({ kind: 'all' });
    else steps.push({ kind: 'where', name: member!, equals: equals! });
  }
  return steps;
}

/** The name that a hint calls the secret by: certain for a JSONPath, for a dotted ref what stands before the first dot. */
export const likelySecret = (ref: Ref): string =>
  ref.kind === 'jsonpath' ? ref.secret : ref.text.slice(0, `${ref.text}.`.indexOf('.'));
