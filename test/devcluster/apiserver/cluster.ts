import type { ClusterOptions, TestCluster } from '../../cluster.ts';

export async function startDevCluster(_options: ClusterOptions): Promise<TestCluster> {
  throw new Error('the development API server is not written yet');
}
