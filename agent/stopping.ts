/** The signals that end the agent. */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const controller = new AbortController();
let name: string | undefined;

// At import, and `main` imports this first: the kernel drops a signal without a handler if it is for PID 1, so one
// that comes while the rest of the program is loaded would never be heard of again.
for (const signal of SIGNALS)
  process.on(signal, () => {
    name ??= signal;
    controller.abort();
  });

/** That the agent is to end, from the first statement of the program on. */
export const stopping = {
  /** Aborted with the first of the signals. */
  signal: controller.signal,
  /** Its name. */
  get name(): string | undefined {
    return name;
  },
};
