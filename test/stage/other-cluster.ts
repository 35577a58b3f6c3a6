import { DevSafe } from '../devcluster/safe.ts';
import { patternsFor } from '../devcluster/safe/identities.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import type { DevSpire } from '../devcluster/spire.ts';
import type { Stage } from './stage.ts';

/**
 * A second cluster: a SPIRE with a trust domain of its own, and a Safe that takes requests of the agents of the
 * first. Both SPIREs federate, and the agents' side can take that back.
 */
export class OtherCluster {
  readonly authority: DevAuthority;
  readonly safe: DevSafe;

  private constructor(authority: DevAuthority, safe: DevSafe) {
    this.authority = authority;
    this.safe = safe;
  }

  static async start(
    stage: Pick<Stage, 'authority'>,
    { trustDomain = 'b.example', placeholder = 'placeholder' } = {},
  ): Promise<OtherCluster> {
    const authority = await DevAuthority.create({ trustDomain });
    const safe = await DevSafe.start({
      authority,
      federated: [stage.authority],
      workloads: patternsFor(trustDomain, stage.authority.trustDomain),
    });
    await safe.register({
      name: 'raw:vsecm-agent-placeholder',
      value: placeholder,
      namespaces: ['vsecm-agent'],
    });
    return new OtherCluster(authority, safe);
  }

  /** Registers `raw:NAME`, for such names as are given. */
  register(name: string, value: string, namespaces: readonly string[]): Promise<void> {
    return this.safe.register({ name: `raw:${name}`, value, namespaces });
  }

  /** The SPIRE agent of a node of the first cluster gives its workloads this one's bundle. */
  federate(spire: DevSpire): void {
    spire.federate(this.authority);
  }

  /** It does so no longer. */
  unfederate(spire: DevSpire): void {
    spire.unfederate(this.authority);
  }

  /** A whole rotation of this cluster's root, Safe's SVID included. */
  async rotateCa(): Promise<void> {
    await this.authority.prepare();
    this.authority.activate();
    await this.safe.renew();
  }

  async close(): Promise<void> {
    await this.safe.close();
    this.authority.close();
  }
}
