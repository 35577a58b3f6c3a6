import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DEMO = join(import.meta.dirname, '../../scripts/demo.ts');

/** The demo as a process, with a folder of its own for temporary files. */
export class DemoProcess {
  output = '';
  readonly child: ChildProcess;
  readonly #folder: string;

  private constructor(args: readonly string[], folder: string) {
    this.#folder = folder;
    this.child = spawn(process.execPath, ['--import', 'tsx', DEMO, ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  static async start(...args: string[]): Promise<DemoProcess> {
    return new DemoProcess(args, await mkdtemp(join(tmpdir(), 'vsecm-demo-test-')));
  }

  /** Resolves when the output holds `text`; rejects if it ends before. */
  async whenPrinted(text: string): Promise<void> {
    const ended = once(this.child, 'close');
    while (!this.output.includes(text)) {
      await Promise.race([once(this.child.stdout!, 'data'), ended]);
      if (this.child.exitCode !== null && !this.output.includes(text))
        throw new Error(`the demo ended: ${this.output}`);
    }
  }

  /** Exit code, once all output has been read. */
  async exited(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }

  /** Temporary files that are still there; Node's and tsx's caches do not count. */
  async leftOver(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => !/^(tsx-|node-compile-cache)/.test(name));
  }

  /** Processes that it started and that still run, as `PID command`: each has its folder in its environment. */
  async processes(): Promise<string[]> {
    const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
    const texts = ids.map(async (id) => {
      const read = (file: string): Promise<string> => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '');
      return (await read('environ')).includes(this.#folder) ? [`${id} ${await read('cmdline')}`] : [];
    });
    return (await Promise.all(texts)).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    await this.exited();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
