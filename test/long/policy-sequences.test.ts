import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { startCluster, type TestCluster } from '../cluster.ts';
import type { ApiClient } from '../devcluster/api-client.ts';
import { agentClient, eventually, installShipped } from '../real/shipped.ts';
import { attack, judge, prepare, send, VICTIMS, type Stored } from './policy-attacks.ts';

const SEQUENCES = 2_000;

describe(
  "sequences of requests with the agent's token, on the real kube-apiserver",
  { timeout: 600_000 },
  () => {
    let cluster: TestCluster;
    let agent: ApiClient;
    /** What nobody attacks, by path. */
    const bystanders = new Map<string, Stored>();

    const pathOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;
    const look = async (path: string): Promise<Stored | undefined> => {
      const { status, body } = await cluster.admin.request('GET', path);
      assert.ok(status === 200 || status === 404, `${status}`);
      return status === 404 ? undefined : (body as Stored);
    };

    before(async () => {
      cluster = await startCluster({ kind: 'real' });
      const { exitCode, stderr } = await installShipped(cluster);
      assert.equal(exitCode, 0, stderr);
      agent = await agentClient(cluster);
      const probe = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe' } };
      const refused = await eventually(
        () => agent.request('POST', pathOf('default'), probe),
        ({ status }) => status === 403,
      );
      assert.equal(refused.status, 403, 'the policy does not take effect');
      for (const namespace of ['default', 'kube-system']) {
        await cluster.admin.request('DELETE', `${pathOf(namespace)}/probe`);
        await cluster.admin.ok('POST', pathOf(namespace), { ...probe, metadata: { name: 'bystander' } });
        const path = `${pathOf(namespace)}/bystander`;
        bystanders.set(path, (await look(path))!);
      }
    });
    after(async () => {
      await agent?.close();
      await cluster?.stop();
    });

    test('what somebody else made is never deleted, and changed only with the consent of that moment', async () => {
      let number = 0;
      const done = new Map<string, number>();
      const kinds = fc.constantFrom(...Object.keys(VICTIMS));
      const property = fc.asyncProperty(
        kinds,
        fc.array(attack, { minLength: 1, maxLength: 4 }),
        async (kind, attacks) => {
          const victim = VICTIMS[kind]!;
          const path = pathOf(victim.namespace ?? 'default');
          const name = `s${number++}`;
          await prepare(cluster.admin, agent, path, name, victim);
          let state = await look(`${path}/${name}`);
          const theirs = victim.metadata !== undefined && victim.byAgent !== true;
          for (const one of attacks) {
            const answer = await send(agent, path, name, one, state);
            const now = await look(`${path}/${name}`);
            const refused = answer.status >= 400 || one.query.includes('dryRun');
            const wrong = judge(state, now, { theirs, refused, reachable: victim.namespace === undefined });
            assert.equal(wrong, undefined, `${kind}: ${answer.status}`);
            const outcome = answer.status >= 400 ? `${answer.status}` : one.verb;
            done.set(outcome, (done.get(outcome) ?? 0) + 1);
            state = now;
          }
        },
      );
      await fc.assert(property, { numRuns: SEQUENCES });
      // Sequences that are all refused would show nothing.
      const least = { apply: 50, merge: 50, json: 20, delete: 10, post: 5, 403: 500 };
      for (const [outcome, count] of Object.entries(least))
        assert.ok((done.get(outcome) ?? 0) >= count, `${outcome}, of ${JSON.stringify([...done])}`);
      for (const [path, stored] of bystanders) assert.deepEqual(await look(path), stored);
    });
  },
);
