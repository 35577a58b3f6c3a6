/** What is wrong with a template, or with what it was given. Holds names that the template's author wrote, never a value. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** What is wrong at one place of a template, told as `line 2, column 7: …`, both counted from 1, in characters. */
export function wrongAt(template: string, offset: number, problem: string): TemplateError {
  const before = template.slice(0, offset).split('\n');
  return new TemplateError(`line ${before.length}, column ${[...before.at(-1)!].length + 1}: ${problem}`);
}
