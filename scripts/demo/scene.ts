import type { DevSafe } from '../../test/devcluster/safe.ts';
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

/** The cluster, VSecM, the agents, and who acts and looks. */
export class Scene {
  readonly stage: Stage;
  readonly agents: Fleet;
  readonly people: People;
  readonly see: Eyes;
  readonly tell: Narrator;

  private constructor(stage: Stage, tell: Narrator) {
    this.stage = stage;
    this.tell = tell;
    this.agents = new Fleet(stage);
    this.people = new People(stage, tell);
    this.see = new Eyes(stage.cluster.admin, this.agents, tell);
  }

  static async open({ kind, controllers }: Setting, tell: Narrator): Promise<Scene> {
    return new Scene(await Stage.start({ kind, controllers }), tell);
  }

  get safe(): DevSafe {
    return this.stage.safe;
  }

  async close(): Promise<void> {
    await this.agents.stop();
    await this.stage.close();
  }
}
