import type { Clock } from './clock.ts';
import { Door, type Question, type Reply } from './door.ts';
import { sharedResult } from './shared-result.ts';

/** One thing that must hold for the agent to be ready, by name. */
export type Checks = Readonly<Record<string, () => boolean>>;

export interface HealthOptions {
  /** TCP port on all addresses of the pod; 0: any that is free. */
  port: number;
  host?: string;
  /** Conditions of readiness. */
  checks: Checks;
  /** The metrics in Prometheus' text format. */
  metrics: () => Promise<{ type: string; text: string }>;
  clock: Clock;
}

/** Two probes, some Prometheus, and the rest of people who look. */
const CONNECTIONS = 32;
/** How long a scrape serves others, milliseconds: it takes up to 10 ms, and scrapes come 15 s apart. */
const SCRAPE_MS = 1_000;

/** `/livez`, `/readyz` and `/metrics` for the kubelet and Prometheus. Any pod of the cluster may ask. */
export class HealthServer {
  readonly #options: HealthOptions;
  readonly #door: Door;
  readonly #scrape: HealthOptions['metrics'];

  constructor(options: HealthOptions) {
    const { clock, metrics } = options;
    this.#options = options;
    this.#scrape = sharedResult(clock, SCRAPE_MS, metrics);
    this.#door = new Door({ clock, connections: CONNECTIONS, answer: (question) => this.#answer(question) });
  }

  /** Begins to listen; resolves to the port. Rejects if the port cannot be had. */
  listen(): Promise<number> {
    return this.#door.listen(this.#options.port, this.#options.host);
  }

  close(): Promise<void> {
    return this.#door.close();
  }

  #answer({ method, path }: Question): Reply | Promise<Reply> {
    const say = (status: number, body: string): Reply => ({ status, type: 'text/plain', body });
    if (method !== 'GET' && method !== 'HEAD') return say(405, 'method not allowed\n');
    switch (path) {
      case '/livez':
        return say(200, 'ok\n');
      case '/readyz':
        return this.#readiness();
      case '/metrics':
        return this.#scrape().then(({ type, text }) => ({ status: 200, type, body: text }));
      default:
        return say(404, 'try /livez, /readyz or /metrics\n');
    }
  }

  #readiness(): Reply {
    const results = Object.entries(this.#options.checks).map(([name, holds]) => ({ name, ok: holds() }));
    return {
      status: results.every(({ ok }) => ok) ? 200 : 503,
      type: 'text/plain',
      body: results.map(({ name, ok }) => `[${ok ? '+' : '-'}] ${name} ${ok ? 'ok' : 'not yet'}\n`).join(''),
    };
  }
}
