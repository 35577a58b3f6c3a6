import { createHash, randomBytes } from 'node:crypto';
import type { DevSafe } from '../../test/devcluster/safe.ts';
import { EndpointSlices } from '../../test/stage/endpoint-slices.ts';
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

/** The cluster, VSecM, the agents, and who acts and looks. */
export class Scene {
  readonly stage: Stage;
  readonly agents: Fleet;
  readonly people: People;
  readonly see: Eyes;
  readonly tell: Narrator;
  /** The value of the placeholder in Safe, of which the agents know the SHA-256. */
  readonly placeholder = randomBytes(16).toString('hex');

  readonly #slices: EndpointSlices | undefined;

  private constructor(stage: Stage, slices: EndpointSlices | undefined, tell: Narrator) {
    this.stage = stage;
    this.#slices = slices;
    this.tell = tell;
    // The examples name placeholders; both are answered by the Safe of the demo.
    const { dial } = stage.safe;
    this.agents = new Fleet(stage, {
      VSECM_AGENT_SERVICE: 'vsecm-agent',
      VSECM_AGENT_HANDOFF_DELAY: HANDOFF_DELAY,
      VSECM_AGENT_ANSWER_PROOF: createHash('sha256').update(this.placeholder).digest('hex'),
      VSECM_AGENT_SAFES: JSON.stringify(NAMED.map((url) => ({ url, dial, grants: 'plain' }))),
    });
    this.people = new People(stage, this.agents, tell);
    this.see = new Eyes(stage.cluster.admin, this.agents, tell);
  }

  static async open({ kind, controllers }: Setting, tell: Narrator): Promise<Scene> {
    const stage = await Stage.start({ kind, controllers });
    try {
      const slices = controllers ? undefined : await EndpointSlices.start(stage.cluster);
      return new Scene(stage, slices, tell);
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  get safe(): DevSafe {
    return this.stage.safe;
  }

  async close(): Promise<void> {
    await this.agents.stop();
    // What was wrong with it has ended the story already.
    await this.#slices?.close().catch(() => undefined);
    await this.stage.close();
  }
}
