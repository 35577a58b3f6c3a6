/** Where a command writes. Tests give their own. */
export interface Terminal {
  /** What the command is for: text that ends its lines itself. */
  out(text: string): void;
  /** What is said beside: progress, warnings, errors. */
  say(text: string): void;
  /** A line on `say` that the next one replaces; '' removes it. Nothing where there is no terminal. */
  progress(text: string): void;
}

/** Standard output and standard error. */
export function processTerminal(): Terminal {
  const stdout = process.stdout;
  const stderr = process.stderr;
  let shown = false;
  const clear = (): void => {
    if (shown) stderr.write('\r\u001b[K');
    shown = false;
  };
  return {
    out(text) {
      clear();
      stdout.write(text);
    },
    say(text) {
      clear();
      stderr.write(text);
    },
    progress(text) {
      if (!stderr.isTTY) return;
      clear();
      stderr.write(text.slice(0, Math.max(20, (stderr.columns ?? 80) - 1)));
      shown = text !== '';
    },
  };
}

/** The form of `-o json`. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
