import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../agent/clock.ts';
import { NameLookup } from '../../agent/name-lookup.ts';
import { Reach } from '../../agent/reach.ts';
import * as faults from '../devcluster/safe/faults.ts';
import { DevSafe } from '../devcluster/safe.ts';
import { failsWith, vssPath } from '../stage/await-object.ts';
import { Scene, valuesOf, vss } from '../stage/scene.ts';
import { FAST } from '../stage/stage.ts';
import { stuckPort } from '../stuck-port.ts';

/** Where each Safe hangs, and what its failure says of it. */
const CAUSES: Record<string, string> = {
  dns: 'TIMEOUT_LOOKUP',
  tcp: 'TIMEOUT_CONNECTING',
  tls: 'TIMEOUT_HANDSHAKE',
  request: 'TIMEOUT_WAITING',
  body: 'TIMEOUT_READING',
};

/** A name that is asked for and never answered. */
class HangingNames extends NameLookup {
  override addresses(host: string, signal: AbortSignal): Promise<readonly string[]> {
    if (!host.endsWith('.hangs.example')) return super.addresses(host, signal);
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    return promise;
  }
}

test('Safes that hang in DNS, in TCP, in TLS, before the answer and in it, cost the home Safe’s resources nothing', async (t) => {
  const mute = createServer((socket) => socket.on('error', () => {}));
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const stuck = await stuckPort(t, { host: '127.9.9.9' });
  const hanging: DevSafe[] = [];
  t.after(async () => {
    for (const safe of hanging) await safe.close();
  });
  const reach = new Reach({ clock: systemClock, names: new HangingNames({ clock: systemClock }) });
  await using scene = await Scene.start(
    async ({ authority }) => {
      for (const fault of [faults.hang(), faults.stall()]) {
        const safe = await DevSafe.start({ authority });
        for (const name of ['raw:one', 'raw:two']) await safe.register({ name, value: 'v' });
        safe.fault = fault;
        hanging.push(safe);
      }
      const dials: Record<string, string> = {
        dns: 'https://safe.hangs.example:8443',
        tcp: `https://127.9.9.9:${stuck.port}`,
        tls: `https://127.0.0.1:${(mute.address() as AddressInfo).port}`,
        request: hanging[0]!.url,
        body: hanging[1]!.url,
      };
      const safes = Object.entries(dials).map(([name, dial]) => ({
        url: `https://${name}.example`,
        dial,
        timeout: '3s',
      }));
      return { VSECM_AGENT_SAFES: JSON.stringify(safes) };
    },
    { pace: FAST, floorMs: 50, reach },
  );
  await scene.stage.namespace('shop');
  await scene.register('db', '{"password":"first"}', ['shop']);
  const data = [{ key: 'password', ref: 'db.password' }];
  for (const name of Object.keys(CAUSES))
    for (const index of [0, 1, 2])
      await scene.apply(vss(`${name}-${index}`, { vsecmSafeURL: `https://${name}.example`, data }), 'shop');
  await scene.apply(vss('home', { data }), 'shop');
  await scene.vss('shop', 'home');

  // Requests to the home Safe come and go while those to the others hang, each for all of its three seconds.
  const failed = (): string[] =>
    scene.agent.log.lines
      .filter(({ msg }) => msg === 'Fetching from Safe fails')
      .map((line) => String(line['safeURL']));
  for (let turn = 0; failed().length < Object.keys(CAUSES).length; turn += 1) {
    await scene.register('db', `{"password":"turn ${turn}"}`, ['shop']);
    await scene.refresh('shop', 'home');
    await scene.secret('shop', 'home', (secret) => valuesOf(secret)['password'] === `turn ${turn}`);
  }
  assert.ok(scene.stage.safe.reads.length > 10, `${scene.stage.safe.reads.length} reads in three seconds`);

  for (const [name, cause] of Object.entries(CAUSES)) {
    const url = `https://${name}.example`;
    const line = scene.agent.log.lines.find(
      (one) => one.msg === 'Fetching from Safe fails' && one['safeURL'] === url,
    );
    assert.deepEqual([line?.['code'], line?.['cause'], line?.['resources']], ['SafeTimeout', cause, 3]);
    const { status } = await scene.vss('shop', `${name}-0`, failsWith('SafeTimeout'));
    assert.match(status.failure.message, new RegExp(`https://${name}\\.example`));
  }
  const { status } = await scene.vss('shop', 'home');
  assert.equal(status.failure, undefined);
  for (const name of Object.keys(CAUSES))
    for (const index of [0, 1, 2])
      await scene.stage.cluster.admin.ok('DELETE', vssPath('shop', `${name}-${index}`));
});
