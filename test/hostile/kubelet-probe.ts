import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

// A kubelet as a process of its own, so that what a test's loop does counts for nothing: asks the port it is given for
// readiness four times a second, and tells the toll when its input ends.

const port = process.argv[2];
const toll = { probes: 0, failedProbes: 0, probeMs: 0 };
const input = process.stdin.resume();

const probe = (): Promise<void> =>
  new Promise((resolve) => {
    const begun = performance.now();
    const done = (ok: boolean): void => {
      toll.probes += 1;
      if (!ok) toll.failedProbes += 1;
      toll.probeMs = Math.max(toll.probeMs, Math.round(performance.now() - begun));
      resolve();
    };
    const options = { port, host: '127.0.0.1', path: '/readyz', agent: false as const, timeout: 3_000 };
    const request = get(options, (response) => {
      response.resume().once('end', () => done(response.statusCode === 200));
    });
    request.once('timeout', () => request.destroy()).once('error', () => done(false));
  });

while (!input.readableEnded) {
  await probe();
  await sleep(250);
}
process.stdout.write(JSON.stringify(toll));
