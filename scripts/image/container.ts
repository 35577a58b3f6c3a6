import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LogLines } from '../../test/stage/log-lines.ts';

/** One container under runc, the runtime below containerd and Docker. */
export class Container {
  readonly log = new LogLines();
  /** The exit code. */
  readonly exited: Promise<number>;
  readonly #id: string;
  readonly #state: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, id: string, state: string) {
    this.#id = id;
    this.#state = state;
    this.#child = spawn('runc', ['--root', state, 'run', '--bundle', folder, id], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.log.write(text));
    this.exited = once(this.#child, 'close').then(([code]) => (code as number | null) ?? 128);
  }

  /** @param folder an empty one for its own; @param config of the OCI runtime */
  static async start(folder: string, id: string, config: object): Promise<Container> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return new Container(folder, id, join(folder, 'state'));
  }

  /** Of its first process, as this machine counts them. */
  get pid(): number {
    return JSON.parse(this.#runc('state', this.#id)).pid;
  }

  /** `/proc/PID/status` of its first process. */
  status(): Map<string, string> {
    const lines = readFileSync(`/proc/${this.pid}/status`, 'utf8').trim().split('\n');
    return new Map(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
  }

  /** Bytes that its control group ever held, page cache included; undefined where it has none. */
  memoryPeak(cgroup: string): number | undefined {
    const peak = [
      `/sys/fs/cgroup/memory${cgroup}/memory.max_usage_in_bytes`,
      `/sys/fs/cgroup${cgroup}/memory.peak`,
    ].find((path) => existsSync(path));
    return peak === undefined ? undefined : Number(readFileSync(peak, 'utf8'));
  }

  kill(signal: 'TERM' | 'KILL'): void {
    this.#runc('kill', this.#id, signal);
  }

  /** Ends what is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      try {
        this.kill('KILL');
      } catch {
        // It never ran.
      }
    }
    await this.exited;
  }

  #runc(...args: string[]): string {
    return execFileSync('runc', ['--root', this.#state, ...args], { encoding: 'utf8' });
  }
}
