import { filterOf } from './filters.ts';
import type { Operand, Placeholder, Template } from './parse.ts';
import { TemplateError } from './template-error.ts';

/** What rendering may take, in characters read and written. */
export interface Meter {
  /** Takes them before the work is done, or throws. */
  take(characters: number): void;
  left(): number;
}

/** The text of a value, or of a member in it; `undefined`: there is no such member, or it is null. */
export type FindText = (path: readonly string[]) => string | undefined;

/** What a placeholder, a filter or a piece of text costs besides its characters: about as long as copying so many. */
const STEP_COST = 64;

/**
 * What a template gives. No filter runs before the meter allows the largest result that it can have.
 * @throws TemplateError that names what is missing or does not fit, and whatever `meter` and `find` throw
 */
export function render(template: Template, find: FindText, meter: Meter): string {
  return template
    .map((part) => {
      const text = typeof part === 'string' ? part : textOf(part, find, meter);
      meter.take(text.length + STEP_COST);
      return text;
    })
    .join('');
}

function textOf({ operand, steps }: Placeholder, find: FindText, meter: Meter): string {
  let text = evaluate(operand, find);
  for (const { filter: name, argument } of steps) {
    // What is missing stays missing until it gets a default.
    if (name === 'default' ? text : text === undefined) continue;
    text = apply(name, text ?? '', argument === undefined ? '' : evaluated(argument, find), meter, operand);
  }
  return text ?? missing(operand);
}

function apply(
  name: Placeholder['steps'][number]['filter'],
  text: string,
  argument: string,
  meter: Meter,
  operand: Operand,
): string {
  const filter = filterOf(name);
  meter.take(text.length + argument.length + STEP_COST);
  const most = filter.most(text.length, argument);
  if (most > meter.left()) meter.take(most);
  try {
    return filter.apply(text, argument);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(`${spell(operand)} before the filter ${name} ${error.message}`);
  }
}

/** Half a surrogate pair (JSON can write one) is no text, and filters would silently make another of it. */
function evaluate(operand: Operand, find: FindText): string | undefined {
  const text = 'text' in operand ? operand.text : find(operand.path);
  if (text?.isWellFormed() === false)
    throw new TemplateError(`${spell(operand)} is not Unicode text (half a surrogate pair)`);
  return text;
}

const evaluated = (operand: Operand, find: FindText): string => evaluate(operand, find) ?? missing(operand);

function missing(operand: Operand): never {
  throw new TemplateError(
    `${spell(operand)} is not there, or null: register it, or give a default: {{ ${spell(operand)} | default: "text" }}`,
  );
}

/** Enough of a name to know it by; a template may hold one as long as itself. */
const MAX_NAME_TOLD = 128;

const spell = (operand: Operand): string =>
  'path' in operand ? operand.path.join('.').slice(0, MAX_NAME_TOLD) : 'the text in quotes';
