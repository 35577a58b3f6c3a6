// Loaded into an agent before it starts: tells when its loop was held, in milliseconds of CPU time of its thread, so
// that other processes of the machine do not count.

/** Shorter than that nothing is told. */
const LEAST_MS = 20;
/** What starting costs does not count. */
const START_MS = 3_000;

const began = performance.now();
let last = process.threadCpuUsage();
setInterval(() => {
  const now = process.threadCpuUsage();
  const ms = Math.round((now.user - last.user + now.system - last.system) / 1000);
  last = now;
  if (ms >= LEAST_MS && performance.now() - began > START_MS)
    process.stderr.write(`${JSON.stringify({ level: 'info', msg: 'loop held', ms })}\n`);
}, 10).unref();
