import { createHash, randomBytes } from 'node:crypto';
import type { DevSafe } from '../../test/devcluster/safe.ts';
import { EndpointSlices } from '../../test/stage/endpoint-slices.ts';
import { OtherCluster } from '../../test/stage/other-cluster.ts';
import { Stage } from '../../test/stage/stage.ts';
import { Eyes } from './eyes.ts';
import { Fleet } from './fleet.ts';
import type { Narrator } from './narrator.ts';
import { People } from './people.ts';

/** Where the story plays. */
export interface Setting {
  kind: 'dev' | 'real';
  /** Whether kube-controller-manager runs too. */
  controllers: boolean;
  /** Where a kubectl is that fits. */
  kubectlFolder?: string;
}

/** How long a member that is gone keeps its namespaces; the product waits 30 s for a pod that restarts. */
const HANDOFF_DELAY = '2s';

/** The Safes that the examples name. */
const NAMED = ['https://path/to/vsecm/safe/api/endpoint', 'https://vsecm.example.com'];

/** The Safe of the second cluster, as resources name it. */
export const ELSEWHERE = 'https://safe.b.example';

const PLACEHOLDER_ELSEWHERE = randomBytes(16).toString('hex');

const digestOf = (value: string): string => createHash('sha256').update(value).digest('hex');

/** The cluster, VSecM, the agents, a second cluster, and who acts and looks. */
export class Scene {
  readonly stage: Stage;
  readonly other: OtherCluster;
  readonly agents: Fleet;
  readonly people: People;
  readonly see: Eyes;
  readonly tell: Narrator;
  /** The value of the placeholder in Safe, of which the agents know the SHA-256. */
  readonly placeholder = randomBytes(16).toString('hex');

  readonly #slices: EndpointSlices | undefined;

  private constructor(stage: Stage, other: OtherCluster, slices: EndpointSlices | undefined, tell: Narrator) {
    this.stage = stage;
    this.other = other;
    this.#slices = slices;
    this.tell = tell;
    // The examples name placeholders; both are answered by the Safe of the demo.
    const { dial } = stage.safe;
    this.agents = new Fleet(stage, {
      VSECM_AGENT_SERVICE: 'vsecm-agent',
      VSECM_AGENT_HANDOFF_DELAY: HANDOFF_DELAY,
      VSECM_AGENT_ANSWER_PROOF: digestOf(this.placeholder),
      VSECM_AGENT_SAFES: JSON.stringify([
        ...NAMED.map((url) => ({ url, dial, grants: 'plain' })),
        {
          url: ELSEWHERE,
          dial: other.safe.url,
          trustDomain: other.authority.trustDomain,
          proof: digestOf(PLACEHOLDER_ELSEWHERE),
        },
      ]),
    });
    this.people = new People(stage, other, this.agents, tell);
    this.see = new Eyes(stage.cluster.admin, this.agents, tell);
  }

  static async open({ kind, controllers }: Setting, tell: Narrator): Promise<Scene> {
    await using opened = new AsyncDisposableStack();
    const stage = opened.use(await Stage.start({ kind, controllers }));
    const other = await OtherCluster.start(stage, { placeholder: PLACEHOLDER_ELSEWHERE });
    opened.defer(() => other.close());
    const slices = controllers ? undefined : await EndpointSlices.start(stage.cluster);
    opened.move();
    return new Scene(stage, other, slices, tell);
  }

  get safe(): DevSafe {
    return this.stage.safe;
  }

  async close(): Promise<void> {
    await this.agents.stop();
    // What was wrong with it has ended the story already.
    await this.#slices?.close().catch(() => undefined);
    await this.other.close();
    await this.stage.close();
  }
}
