import type { AgentProcess } from './agent-process.ts';
import { Chance } from './chance.ts';
import { AGENTS, type Cluster } from './cluster.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

/** As the manifest has it: readiness is asked every 5 s, and two refusals count. */
const PROBE_MS = 5_000;
const REFUSALS = 2;
/** From when a node is silent until the node monitor says so. */
const NODE_MONITOR_MS = 50_000;
const SLICE = 'vsecm-agent-x';

interface Pod {
  name: string;
  process: AgentProcess | undefined;
  restarts: number;
  ready: boolean;
  terminating: boolean;
  refusals: number;
}

interface Node {
  name: string;
  pod: Pod | undefined;
  pods: number;
  /** Its kubelet works, too. */
  alive: boolean;
}

/** The nodes with a pod each, what their kubelets do about it, the node monitor, and the endpointslice controller. */
export class Kubelets {
  readonly #nodes: readonly Node[];
  readonly #cluster: Cluster;
  readonly #timeline: Timeline;
  readonly #trace: Trace;
  readonly #chance: Chance;
  readonly #start: (node: string, pod: string, restarts: number) => AgentProcess;
  readonly #deaf: (node: string) => boolean;
  #published = '';

  constructor(options: {
    seed: number;
    nodes: readonly string[];
    cluster: Cluster;
    timeline: Timeline;
    trace: Trace;
    start: (node: string, pod: string, restarts: number) => AgentProcess;
    /** Whether probes on this node find no answer, though nothing is wrong. */
    deaf: (node: string) => boolean;
  }) {
    this.#nodes = options.nodes.map((name) => ({ name, pod: undefined, pods: 0, alive: true }));
    this.#cluster = options.cluster;
    this.#timeline = options.timeline;
    this.#trace = options.trace;
    this.#start = options.start;
    this.#deaf = options.deaf;
    this.#chance = new Chance(options.seed, 'kubelets', () => options.timeline.now);
    for (const node of this.#nodes)
      this.#timeline.after(this.#chance.between(0, 3_000), () => this.#create(node));
  }

  get processes(): AgentProcess[] {
    return this.#nodes.flatMap((node) => (node.pod?.process?.alive ? [node.pod.process] : []));
  }

  on(node: number): AgentProcess | undefined {
    const process = this.#node(node).pod?.process;
    return process?.alive ? process : undefined;
  }

  /** The process dies; its container is started again after `backMs` milliseconds. */
  crash(node: number, backMs: number): void {
    const { pod } = this.#node(node);
    if (!pod?.process?.alive) return;
    this.#trace.say(pod.name, 'is killed');
    pod.process.kill();
    this.#timeline.after(this.#chance.between(200, 1_500), () => this.#turn(pod, false));
    this.#timeline.after(backMs, () => this.#run(this.#node(node), pod));
  }

  /** The pod is deleted, as a rollout or a drain does, and another one made after `backMs` milliseconds. */
  replace(node: number, backMs: number): void {
    const at = this.#node(node);
    const { pod } = at;
    if (!pod?.process?.alive || pod.terminating) return;
    this.#trace.say(pod.name, 'is told to end');
    pod.terminating = true;
    this.#publishSoon();
    const { process } = pod;
    const remove = (): void => {
      process.kill();
      if (at.pod === pod) at.pod = undefined;
      this.#publishSoon();
      this.#timeline.after(backMs, () => this.#create(at));
    };
    void Promise.race([process.stop(), this.#passed(30_000)]).then(remove);
  }

  /** The node is lost with all that runs there; it comes back after `backMs` milliseconds. */
  lose(node: number, backMs: number): void {
    const at = this.#node(node);
    if (!at.alive) return;
    at.alive = false;
    this.#trace.say(at.name, 'is lost');
    const { pod } = at;
    pod?.process?.kill();
    this.#timeline.after(NODE_MONITOR_MS, () => {
      if (!at.alive && pod) this.#turn(pod, false);
    });
    this.#timeline.after(backMs, () => {
      at.alive = true;
      if (pod && at.pod === pod) this.#run(at, pod);
      else this.#create(at);
    });
  }

  #node(index: number): Node {
    return this.#nodes[index % this.#nodes.length]!;
  }

  #create(node: Node): void {
    if (node.pod || !node.alive) return;
    const name = `a${this.#nodes.indexOf(node)}-${node.pods++}`;
    const pod: Pod = { name, process: undefined, restarts: 0, ready: false, terminating: false, refusals: 0 };
    node.pod = pod;
    this.#publishSoon();
    this.#run(node, pod);
  }

  #run(node: Node, pod: Pod): void {
    if (!node.alive || node.pod !== pod || pod.terminating || pod.process?.alive) return;
    this.#trace.say(pod.name, `starts on ${node.name}`);
    this.#turn(pod, false);
    pod.process = this.#start(node.name, pod.name, pod.restarts++);
    this.#probe(node, pod, pod.process);
  }

  #probe(node: Node, pod: Pod, process: AgentProcess): void {
    this.#timeline.after(PROBE_MS, () => {
      if (!node.alive || node.pod !== pod || pod.process !== process || !process.alive) return;
      if (process.ready() && !this.#deaf(node.name)) {
        pod.refusals = 0;
        this.#turn(pod, true);
      } else if (++pod.refusals >= REFUSALS) this.#turn(pod, false);
      this.#probe(node, pod, process);
    });
  }

  #turn(pod: Pod, ready: boolean): void {
    if (pod.ready === ready) return;
    pod.ready = ready;
    pod.refusals = 0;
    this.#publishSoon();
  }

  #publishSoon(): void {
    this.#timeline.after(this.#chance.between(50, 150), () => this.#publish());
  }

  #publish(): void {
    const endpoints = this.#nodes.flatMap(({ name, pod }) =>
      pod === undefined
        ? []
        : [
            {
              addresses: ['10.0.0.1'],
              nodeName: name,
              conditions: {
                ready: pod.ready && !pod.terminating,
                serving: pod.ready,
                terminating: pod.terminating,
              },
              targetRef: { kind: 'Pod', name: pod.name },
            },
          ],
    );
    const text = JSON.stringify(endpoints);
    if (text === this.#published) return;
    const path = `/apis/discovery.k8s.io/v1/namespaces/${AGENTS}/endpointslices`;
    const writer = 'endpointslice-controller';
    if (this.#published !== '') this.#cluster.do(writer, 'PATCH', `${path}/${SLICE}`, { endpoints });
    else
      this.#cluster.do(writer, 'POST', path, {
        metadata: {
          name: SLICE,
          labels: {
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
            'kubernetes.io/service-name': 'vsecm-agent',
          },
        },
        addressType: 'IPv4',
        endpoints,
      });
    this.#published = text;
    const shown = endpoints.map(
      ({ nodeName, conditions }) => `${nodeName}${conditions.ready ? '' : '(not ready)'}`,
    );
    this.#trace.say('slices', shown.join(' '));
  }

  #passed(ms: number): Promise<void> {
    return new Promise((resolve) => this.#timeline.after(ms, resolve));
  }
}
