import type { Operand, Template } from './parse.ts';

/** What a template will give, with names in angle brackets for values, such as `postgres://<user|urlquery>@db`. */
export const shapeOf = (template: Template): string =>
  template
    .map((part) =>
      typeof part === 'string' ? part : bracketed([part.operand, ...part.steps.map(({ filter }) => filter)]),
    )
    .join('');

function bracketed([operand, ...filters]: readonly [Operand, ...string[]]): string {
  if ('text' in operand) return filters.length === 0 ? operand.text : `<${['text', ...filters].join('|')}>`;
  return `<${[operand.path.join('.'), ...filters].join('|')}>`;
}
