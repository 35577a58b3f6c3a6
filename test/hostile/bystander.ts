import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { AgentProcess } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { valuesOf, vss } from '../stage/scene.ts';
import type { Stage } from '../stage/stage.ts';

/** Safe is asked at most every 5 s; what is new waits for that, and two seconds more. */
const FLOOR_MS = 5_000;
const SLACK_MS = 2_000;
const INTERVAL_MS = 10_000;
const NAMESPACE = 'good';
const PROBE = join(import.meta.dirname, 'kubelet-probe.ts');

/** What the agent's process has come to. */
export interface Toll {
  /** The most memory that it ever had, MiB. */
  peakMiB: number;
  /** The longest time that its loop was held, milliseconds of CPU. */
  heldMs: number;
  /** The longest that a probe took, and how many failed. */
  probeMs: number;
  failedProbes: number;
  probes: number;
}

/** A tenant beside hostile ones, and the kubelet. */
export class Bystander {
  readonly #stage: Stage;
  readonly #agent: AgentProcess;
  #count = 0;

  constructor(stage: Stage, agent: AgentProcess) {
    this.#stage = stage;
    this.#agent = agent;
  }

  /** Its namespace, its secret, and a first resource. */
  async settle(): Promise<void> {
    await this.#stage.namespace(NAMESPACE);
    await this.#stage.safe.register({ name: 'raw:another', value: 'x', namespaces: ['elsewhere'] });
    await this.#rotate('0');
    await this.#serveNew();
  }

  /**
   * While others do what they do: a new resource is served within the floor, a rotation within the interval and the
   * floor, each `rounds` times, and the probes are answered.
   */
  async endures(rounds: number): Promise<Toll> {
    const from = this.#agent.log.lines.length;
    const kubelet = spawn(process.execPath, [PROBE, `${await this.#agent.port()}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const told = text(kubelet.stdout);
    try {
      for (let round = 0; round < rounds; round++) {
        await this.#serveNew();
        await this.#rotate(`${round} ${performance.now()}`);
        await this.#serveNew();
      }
    } finally {
      kubelet.stdin.end();
    }
    const toll = JSON.parse(await told) as Pick<Toll, 'probes' | 'failedProbes' | 'probeMs'>;
    const held = this.#agent.log.lines
      .slice(from)
      .filter(({ msg }) => msg === 'loop held')
      .map((line) => line['ms'] as number);
    return { ...toll, peakMiB: this.peakMiB(), heldMs: Math.max(0, ...held) };
  }

  /** The most memory that the process ever had, MiB. */
  peakMiB(): number {
    const status = readFileSync(`/proc/${this.#agent.child.pid}/status`, 'utf8');
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024);
  }

  async #serveNew(): Promise<void> {
    const name = `r${this.#count++}`;
    const spec = { refreshInterval: '10s', data: [{ key: 'p', ref: 'good.p' }] };
    await this.#stage.cluster.apply(vss(name, spec), NAMESPACE);
    await awaitObject(this.#stage.cluster.admin, vssPath(NAMESPACE, name), isReady, FLOOR_MS + SLACK_MS);
  }

  async #rotate(p: string): Promise<void> {
    const { safe, cluster } = this.#stage;
    await safe.register({ name: 'raw:good', value: JSON.stringify({ p }), namespaces: [NAMESPACE] });
    if (this.#count === 0) return;
    const rotated = (secret: unknown): boolean => valuesOf(secret)['p'] === p;
    await awaitObject(cluster.admin, secretPath(NAMESPACE, 'r0'), rotated, INTERVAL_MS + FLOOR_MS + SLACK_MS);
  }
}

/** What a pod of 512 MiB must bear: no probe fails, by the three seconds that the kubelet waits. */
export function assertBorne(toll: Toll): void {
  assert.equal(toll.failedProbes, 0, JSON.stringify(toll));
  assert.ok(toll.peakMiB < 400, JSON.stringify(toll));
}
