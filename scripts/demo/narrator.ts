import { styleText } from 'node:util';
import type { LogLine } from '../../test/stage/log-lines.ts';
import type { ResourceObject } from './objects.ts';
import { wrap } from './wrap.ts';

/** Where the story goes: standard output, or a buffer of a test's. */
export interface Paper {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Columns that the story uses at most, the last ones for times. */
const [NARROW, WIDE, TIME] = [60, 110, 8];
const MARGIN = '   ';

/** Tells the story on a terminal: chapters, what is typed, what is seen and how long that took. */
export class Narrator {
  readonly #paper: Paper;
  #chapters = 0;
  /** Something is awaited, and stands on the last line. */
  #waiting = false;
  #silent = false;

  constructor(paper: Paper = process.stdout) {
    this.#paper = paper;
  }

  title(text: string): void {
    this.#line(`\n${this.#style('bold', text)}`);
  }

  chapter(text: string): void {
    this.#chapters += 1;
    this.#line(`\n${this.#style('bold', `${this.#chapters}  ${text}`)}\n`);
  }

  /** Why the story ends early. */
  broken(problem: string): void {
    this.#line(`\n${this.#style('red', 'The demo failed:')} ${problem}`);
  }

  /** Says nothing more. */
  hush(): void {
    this.#silent = true;
  }

  /** Prose, wrapped. */
  say(text: string): void {
    for (const line of wrap(text, this.#width - MARGIN.length)) this.#line(`${MARGIN}${line}`);
  }

  /** What a person would type on a cluster; further lines are its input. */
  command(text: string): void {
    const [first, ...more] = text.trimEnd().split('\n');
    this.#line(`${MARGIN}${this.#style('cyan', `$ ${first ?? ''}`)}`);
    for (const line of more) this.#line(`${MARGIN}  ${this.#style('cyan', line)}`);
  }

  /** What a command would print, as it is. */
  output(text: string): void {
    for (const line of text.split('\n'))
      this.#line(`${MARGIN}  ${this.#style('dim', '│')} ${line}`.trimEnd());
  }

  /** What the status of a VSecMSecret says about its failure. */
  failure({ status }: ResourceObject): void {
    const { message = '', hint = '' } = status?.failure ?? {};
    for (const text of [`${message}.`, hint])
      this.output(wrap(text, this.#width - MARGIN.length - 4).join('\n'));
  }

  /** A line of an agent's log with all of its fields, as a person wants to read them. */
  logLine({ time, level, msg, ...fields }: LogLine): void {
    const colour = level === 'info' ? 'green' : 'yellow';
    const at = typeof time === 'string' ? time.slice(11, 19) : '';
    const gutter = this.#style('dim', '│');
    this.#line(
      `${MARGIN}  ${gutter} ${at} ${this.#style(colour, level.toUpperCase())} ${this.#style('bold', msg)}`,
    );
    const width = Math.max(...Object.keys(fields).map((name) => name.length));
    for (const [name, value] of Object.entries(fields)) {
      const [first, ...more] = wrap(String(value), this.#width - MARGIN.length - width - 8);
      this.#line(`${MARGIN}  ${gutter}   ${this.#style('dim', name.padEnd(width))}  ${first ?? ''}`);
      for (const line of more) this.#line(`${MARGIN}  ${gutter}   ${' '.repeat(width)}  ${line}`);
    }
  }

  /** Waits for something, and says that it was seen and after how long, or that it was not. */
  async witness<T>(what: string, happens: Promise<T>): Promise<T> {
    const started = performance.now();
    this.#await(what);
    try {
      const result = await happens;
      const time = this.#style('dim', duration(performance.now() - started).padStart(TIME));
      this.#line(
        `${MARGIN}${this.#style('green', '✓')} ${what.padEnd(this.#width - MARGIN.length - 2 - TIME)}${time}`,
      );
      return result;
    } catch (error) {
      this.#line(`${MARGIN}${this.#style('red', '✗')} ${what}`);
      throw error;
    }
  }

  /** Some terminals do not tell theirs, or tell 0. */
  get #width(): number {
    return Math.min(WIDE, Math.max(NARROW, this.#paper.columns || WIDE));
  }

  /** On a terminal, what is awaited shows until it is there. */
  #await(what: string): void {
    if (this.#paper.isTTY !== true || this.#silent) return;
    this.#paper.write(this.#style('dim', `${MARGIN}… ${what}`.slice(0, this.#width - 1)));
    this.#waiting = true;
  }

  #line(text: string): void {
    if (this.#silent) return;
    this.#paper.write(`${this.#waiting ? '\r\x1b[2K' : ''}${text}\n`);
    this.#waiting = false;
  }

  /** Plain where the output is no terminal, or the environment wants no colours. */
  #style(style: Parameters<typeof styleText>[0], text: string): string {
    return this.#paper === process.stdout ? styleText(style, text) : text;
  }
}

const duration = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
