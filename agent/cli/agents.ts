import { Membership } from '../shard/membership.ts';
import { Rendezvous } from '../shard/rendezvous.ts';
import { roleOf, type Role } from '../shard/role.ts';
import type { Slice } from '../shard/slices.ts';
import type { Cluster, RawPod } from './cluster.ts';
import { Refused } from './refused.ts';
import { DEFAULT_SETTINGS, settingsOf, type Settings } from './settings.ts';

export interface AgentPod {
  pod: string;
  node: string;
  ready: boolean;
}

/** The agents, as far as the API server lets one see them, and who of them owns what. */
export class Agents {
  /** By node; a node may have an old pod that ends and a new one. */
  readonly pods: readonly AgentPod[];
  readonly settings: Settings;
  /** Nodes; empty if unknown, or if each agent serves everything. */
  readonly members: readonly string[];
  readonly owners: readonly string[];
  /** What could not be found out, and why. */
  readonly problems: readonly string[];
  readonly #table: Rendezvous | undefined;

  private constructor(
    pods: readonly AgentPod[],
    settings: Settings,
    slices: readonly Slice[] | undefined,
    problems: readonly string[],
  ) {
    this.settings = settings;
    this.problems = problems;
    this.pods = pods.toSorted((a, b) => compare(a.node, b.node) || Number(b.ready) - Number(a.ready));
    this.members = slices === undefined ? [] : [...membersOf(slices)].toSorted(compare);
    this.#table = slices === undefined ? undefined : new Rendezvous(this.members, settings);
    this.owners = this.#table?.owners ?? [];
  }

  /** Reads pods and slices; what is not allowed becomes one of `problems`. */
  static async find(cluster: Cluster): Promise<Agents> {
    const problems: string[] = [];
    const unless = async <T>(request: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await request();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        problems.push(error.message);
        return undefined;
      }
    };
    const raw = await unless(() => cluster.agentPods());
    const settings = raw?.[0] === undefined ? DEFAULT_SETTINGS : settingsOf(raw[0]);
    const slices = settings.service === '' ? undefined : await unless(() => cluster.slices(settings.service));
    const pods = raw === undefined ? podsOfSlices(slices ?? []) : raw.flatMap(agentPod);
    return new Agents(pods, settings, slices, problems);
  }

  /** Each agent serves all namespaces, none is an owner. */
  get alone(): boolean {
    return this.settings.service === '';
  }

  /** The node whose agent is to serve the namespace; undefined if that cannot be told. */
  ownerOf(namespace: string): string | undefined {
    const only = this.pods.length === 1 ? this.pods[0]?.node : undefined;
    return this.alone ? only : this.#table?.ownerOf(namespace);
  }

  /** What the agent of `node` does; undefined for one that is not among the members. */
  roleOf(node: string): Role | undefined {
    if (this.alone) return 'owner';
    return this.members.includes(node) ? roleOf(node, this.members, this.settings) : undefined;
  }

  /** The agent's pod on a node, a ready one first. */
  podOn(node: string): AgentPod | undefined {
    return this.pods.find((one) => one.node === node);
  }
}

function agentPod({ metadata, spec, status }: RawPod): AgentPod[] {
  const node = spec?.nodeName;
  if (node === undefined || node === '' || ['Succeeded', 'Failed'].includes(status?.phase ?? '')) return [];
  const ready = status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True');
  return [{ pod: metadata.name, node, ready: ready === true && metadata.deletionTimestamp === undefined }];
}

const podsOfSlices = (slices: readonly Slice[]): AgentPod[] =>
  slices.flatMap(({ endpoints }) =>
    endpoints.flatMap(({ node, pod, ready }) => (pod === undefined ? [] : [{ pod, node, ready }])),
  );

/** Who is a member, as an agent sees it that reads the slices for the first time. */
function membersOf(slices: readonly Slice[]): ReadonlySet<string> {
  const still = { now: () => 0, wall: () => 0, after: () => () => {} };
  const membership = new Membership({ node: '', handoffDelayMs: 0, clock: still, onChange: () => {} });
  membership.observe(slices);
  return membership.view.members;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
