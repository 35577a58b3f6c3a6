import { EventEmitter, on } from 'node:events';

/** One line of an agent's log, parsed. */
export type LogLine = Record<string, unknown> & { msg: string; level: string };

/** The log of one agent as it comes: all lines so far, and waiting for the next that fits. */
export class LogLines {
  readonly lines: LogLine[] = [];
  /** Everything that was written, also what is no JSON. */
  text = '';
  readonly #events = new EventEmitter().setMaxListeners(0);
  #rest = '';

  /** Takes a piece of output; lines may be cut anywhere. */
  write(piece: string): void {
    this.text += piece;
    const parts = (this.#rest + piece).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      if (!part.startsWith('{')) continue;
      const line = JSON.parse(part) as LogLine;
      this.lines.push(line);
      this.#events.emit('line', line);
    }
  }

  /** Calls `listener` for each line from now on; the returned function ends that. */
  each(listener: (line: LogLine) => void): () => void {
    this.#events.on('line', listener);
    return () => this.#events.off('line', listener);
  }

  /** The first line from number `from` on that fits, also one that was written already. */
  async when(fits: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    const there = this.lines.slice(from).find(fits);
    if (there) return there;
    for await (const [line] of on(this.#events, 'line')) if (fits(line as LogLine)) return line as LogLine;
    throw new Error('the log ended');
  }
}
