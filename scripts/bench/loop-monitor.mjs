// Loaded into an agent by --import: on SIGUSR2 it prints by how many milliseconds the event loop was late
// since the last time, in the form of a line of the agent's log.
import { writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

/** What the histogram holds is the time between two firings of a timer. */
const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);

process.on('SIGUSR2', () => {
  const [p99, max] = [histogram.percentile(99), histogram.max].map(late);
  writeSync(1, `${JSON.stringify({ msg: 'loop delay', p99, max })}\n`);
  histogram.reset();
});
