import { systemClock, type Clock } from './clock.ts';
import { inheritedEnvironment, type Config } from './config.ts';
import { hintFor } from './api/reasons.ts';
import type { Pace } from './sync/engine.ts';
import { HealthServer } from './health.ts';
import { KubeClient } from './kube/client.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { PageServer } from './page/server.ts';
import { stateOf } from './page/state.ts';
import { systemRandom, type Random } from './random.ts';
import { Reach } from './reach.ts';
import { SafeStates } from './safe-states.ts';
import { SafeClient } from './safe/client.ts';
import { Safes } from './safe/safes.ts';
import { peerErrorOf, tlsOptions } from './spiffe/tls.ts';
import { X509Source } from './spiffe/x509-source.ts';
import { runTogether } from './tasks.ts';
import { VERSION } from './version.ts';
import { createWork } from './work.ts';

export interface AgentOptions {
  config: Config;
  log: Log;
  /** Ends what is read at the start, such as the output of a kubeconfig's command. */
  signal?: AbortSignal;
  clock?: Clock;
  random?: Random;
  pace?: Pace;
  /** From the start of one request to a Safe to the start of the next, milliseconds; default 5,000. */
  floorMs?: number;
  /** Opens TCP connections to Safes. */
  reach?: Pick<Reach, 'connect'>;
}

/** One agent: built by `createAgent`, alive during `run`. */
export interface Agent {
  /** Works until `signal` is aborted; rejects if it cannot go on. */
  run(signal: AbortSignal): Promise<void>;
}

/** Builds the whole graph of one agent: what opens sockets, and the work. Reads credentials, opens no connection. */
export async function createAgent({
  config,
  log,
  signal,
  clock = systemClock,
  random = systemRandom,
  pace,
  floorMs,
  reach = new Reach({ clock }),
}: AgentOptions): Promise<Agent> {
  const metrics = createMetrics();
  const kube = await KubeClient.load({
    kubeconfig: config.kubeconfig,
    environment: inheritedEnvironment(),
    ...(signal && { signal }),
    host: config.kubernetesHost,
    port: config.kubernetesPort,
    metrics,
    clock,
  });
  const { trustDomain } = config;
  const safes = new Safes(config.safes);
  const identity = new X509Source({
    socket: config.spiffeSocket,
    trustDomain,
    log,
    metrics,
    clock,
    random,
    hint: (code, names) => hintFor(code, { ...names, pod: config.pod }),
  });
  const tls = { options: tlsOptions, peerErrorOf };
  const safe = new SafeClient({
    identity,
    safes,
    reach,
    tls,
    // An answer that is not kept would be asked for again by every resource that is woken for it.
    maxBytes: Math.min(config.responseBytes, safes.shareOf(config.cacheBytes)),
    log,
    metrics,
    clock,
  });
  const bundleSince = (domain: string): number | undefined => identity.bundleSince(domain);
  const safeStates = new SafeStates({ safes, identity, bundleSince, tls, reach, clock });
  const work = createWork({ kube, safe, identity, clock, random, log, metrics, config, pace, floorMs });

  const health = new HealthServer({
    port: config.httpPort,
    clock,
    checks: { caches: () => work.ready(), identity: () => quietly(() => identity.current()) !== undefined },
    metrics: async () => {
      work.measure();
      for (const { url, notAfter = 0 } of safeStates.bundleExpiries())
        metrics.safeBundleExpiry.set({ url }, notAfter / 1000);
      return { type: metrics.registry.contentType, text: await metrics.registry.metrics() };
    },
  });
  const page = new PageServer({
    port: config.pagePort,
    clock,
    meetings: safeStates.meetings,
    state: stateOf({
      version: VERSION,
      node: config.node,
      pod: config.pod,
      startedAt: clock.now(),
      identity: () => identity.current(),
      declared: () => safeStates.declared(),
      ownership: () => work.ownership(),
      work: (one) => work.state(one),
      clock,
    }),
  });

  return {
    async run(signal) {
      const port = await health.listen();
      const pagePort = await page.listen();
      log.info('Agent started', { port, pagePort, safeURL: config.safeUrl, trustDomain });
      try {
        await runTogether(signal, { identity: (all) => identity.run(all), work: (all) => work.run(all) });
      } finally {
        work.close();
        await safe.close();
        await kube.close();
        await page.close();
        await health.close();
      }
    },
  };
}

/** The result, or `undefined` if there is none at present. */
function quietly<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
