// Loaded into an agent before its program: tells every ten seconds what the process holds.
const EVERY_MS = 10_000;

setInterval(() => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const held = {};
  for (const name of process.getActiveResourcesInfo()) held[name] = (held[name] ?? 0) + 1;
  process.stderr.write(`${JSON.stringify({ held, rss, heapUsed, level: 'soak', msg: 'held' })}\n`);
}, EVERY_MS).unref();
