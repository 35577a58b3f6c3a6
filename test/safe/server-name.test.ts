import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { systemClock } from '../../agent/clock.ts';
import { meet } from '../../agent/safe/meeting.ts';
import { Reach } from '../../agent/reach.ts';
import { peerErrorOf, tlsOptions } from '../../agent/spiffe/tls.ts';
import { componentId } from '../devcluster/safe/identities.ts';
import { DevAuthority } from '../devcluster/spire/authority.ts';
import { clientFor, HandIdentity, safeLike } from './harness.ts';

/** Host that is dialled, what was declared, and what TLS is told; nothing of an address. */
const CASES: [host: string, serverName: string | undefined, told: string | false][] = [
  ['localhost', undefined, 'localhost'],
  ['localhost.', undefined, 'localhost'],
  ['127.0.0.1', undefined, false],
  ['127.0.0.1', 'safe.b.example', 'safe.b.example'],
  ['localhost', 'safe.b.example', 'safe.b.example'],
];

for (const [host, serverName, name] of CASES) {
  test(`TLS to ${host}${serverName === undefined ? '' : `, declared as ${serverName},`} names ${name || 'nobody'}`, async (t) => {
    const authority = await DevAuthority.create();
    t.after(() => authority.close());
    const { chainPem, keyPem } = await authority.ca.issue({ id: componentId('vsecm.com', 'vsecm-safe') });
    const names: (string | false)[] = [];
    const options = { cert: chainPem, key: keyPem, requestCert: true, rejectUnauthorized: false };
    const server = createServer(options, (socket: TLSSocket) => {
      names.push((socket as TLSSocket & { servername: string | false }).servername);
      socket.on('error', () => {});
      socket.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const identity = new HandIdentity(authority);
    await identity.rotate();
    const safe = safeLike(`https://${host}:${(server.address() as AddressInfo).port}/`, { serverName });
    const { client } = clientFor(identity, { safes: { at: () => safe } });
    await client.read(safe.dial).catch(() => undefined);
    const reach = new Reach({ clock: systemClock });
    await meet(safe, { identity, tls: { options: tlsOptions, peerErrorOf }, reach, clock: systemClock });
    assert.deepEqual(names, [name, name]);
  });
}
