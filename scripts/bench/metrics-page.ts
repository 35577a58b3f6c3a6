import { request } from 'undici';

/** The metrics of an agent at one moment. */
export class MetricsPage {
  /** When it was read, milliseconds of performance.now(). */
  readonly at = performance.now();
  readonly #lines: string[];

  constructor(text: string) {
    this.#lines = text.split('\n');
  }

  /** Reads the page of a process, or of an API server by other means. */
  static async of(port: number): Promise<MetricsPage> {
    const { body } = await request(`http://127.0.0.1:${port}/metrics`);
    return new MetricsPage(await body.text());
  }

  /** Sum over all series of this name whose labels, as they are printed, fit. */
  sum(name: string, fits: (labels: string) => boolean = () => true): number {
    let sum = 0;
    for (const line of this.#lines) {
      if (!line.startsWith(name)) continue;
      const [, labels = '', value] = /^[^{ ]+(\{.*\})? ([^ ]+)$/.exec(line) ?? [];
      const whole = line[name.length] === '{' || line[name.length] === ' ';
      if (whole && value !== undefined && fits(labels)) sum += Number(value);
    }
    return sum;
  }

  /** Requests to the API server so far, without watches. */
  get kubeRequests(): number {
    return this.sum('vsecm_agent_kube_requests_total', (labels) => !labels.includes('method="WATCH"'));
  }

  get kubeWrites(): number {
    return this.sum('vsecm_agent_kube_requests_total', (labels) =>
      /method="(PATCH|POST|PUT|DELETE)"/.test(labels),
    );
  }

  /** Of these, the ones that create: Events. */
  get kubePosts(): number {
    return this.sum('vsecm_agent_kube_requests_total', (labels) => labels.includes('method="POST"'));
  }

  get safeRequests(): number {
    return this.sum('vsecm_agent_safe_requests_total');
  }

  get cpuMicros(): number {
    return this.sum('process_cpu_seconds_total') * 1e6;
  }

  get rssMib(): number {
    return this.sum('process_resident_memory_bytes') / 2 ** 20;
  }
}
