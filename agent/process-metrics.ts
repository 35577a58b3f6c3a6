import type { Registry } from 'prom-client';
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';

/**
 * The process metrics that dashboards know, under their standard names. prom-client's own read `/proc`, which
 * Node's permission model refuses, and watch the event loop with a timer that costs an idle agent 4 ms of CPU
 * a second; these cost nothing until somebody asks.
 */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    const read: Gauge = new Gauge({ name, help, registers, collect: () => read.set(value()) });
  };
  let counted = 0;
  const cpu: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system',
    registers,
    collect() {
      const usage = process.cpuUsage();
      const all = usage.user + usage.system;
      cpu.inc((all - counted) / 1e6);
      counted = all;
    },
  });
  gauge(
    'process_start_time_seconds',
    'When the process started, Unix time',
    () => performance.timeOrigin / 1000,
  );
  gauge('process_resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_total_bytes', "Size of V8's heap", () => process.memoryUsage().heapTotal);
  gauge('nodejs_heap_size_used_bytes', "Used part of V8's heap", () => process.memoryUsage().heapUsed);
  gauge('nodejs_external_memory_bytes', "Buffers outside V8's heap", () => process.memoryUsage().external);
}
