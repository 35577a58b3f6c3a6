import { setTimeout } from 'node:timers/promises';
import type { AgentState } from '../../agent/api/state.ts';
import type { Scene } from './scene.ts';

const PATIENCE_MS = 20_000;

/** What `look` gives once it gives something; for what nobody announces, such as a metric. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`${what}: not seen within ${PATIENCE_MS} ms`);
    await setTimeout(25);
  }
}

/** Reads what the scene's agent tells about itself. */
export class Witness {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** The whole text of `/metrics`. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${await this.#scene.agent.port()}/metrics`)).text();
  }

  /** The sum of all series of one metric whose labels are these; 0 without any. */
  async metric(name: string, labels: Record<string, string>): Promise<number> {
    const lines = (await this.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`vsecm_agent_${name}{`));
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const fits = lines.filter((line) => wanted.every((part) => line.includes(part)));
    return fits.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** What the node's page answers at `path`. */
  async page(path: '/' | '/state.json'): Promise<string> {
    const { pagePort } = await this.#scene.agent.log.when(({ msg }) => msg === 'Agent started');
    return (await fetch(`http://127.0.0.1:${Number(pagePort)}${path}`)).text();
  }

  async state(): Promise<AgentState> {
    return JSON.parse(await this.page('/state.json'));
  }

  /** Events of one reason about an object. */
  async events(namespace: string, name: string, reason: string): Promise<any[]> {
    return (await this.#scene.events(namespace, name)).filter((event) => event.reason === reason);
  }
}
