import type { LogFields } from './log.ts';

/**
 * What may be told of an error that nobody expected: its class, its code and where it was thrown. Its
 * message may quote what a parser was given, so it stays out.
 */
export function crashFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { cause: typeof error };
  const code = (error as { code?: unknown }).code;
  const { stack = '', message } = error;
  // The stack begins with the message, whose lines may look like frames.
  const frames = stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 12)
    .map((line) => line.trim());
  return { cause: typeof code === 'string' ? code : error.name, frames };
}
