import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DevSpire } from '../../test/devcluster/spire.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../../test/stage/await-object.ts';
import { shippedDaemonSet } from '../../test/stage/kubelet.ts';
import { credentials, valuesOf, vss } from '../../test/stage/scene.ts';
import { scoutId, Stage } from '../../test/stage/stage.ts';
import { writtenSlice } from '../../test/stage/written-slice.ts';
import type { Image } from './build-image.ts';
import { Container } from './container.ts';
import { environment, ociConfig, type Placement } from './pod-process.ts';

const ACCOUNT = { namespace: 'vsecm-agent', name: 'vsecm-agent' };
const NODE = 'node-1';
const POD = `vsecm-agent-${NODE}`;
const CGROUP = '/vsecm-agent-image';
const REF = { data: [{ key: 'password', ref: 'db.cocaCola.data.password' }] };

/**
 * Runs the image as its pod would be run, with the manifest as it is, on a cluster of stand-ins: syncs a Secret,
 * rotates it, ends on SIGTERM. The caller has given this process a network of its own, where the ports that the
 * manifest names are free.
 * @param folder an empty one
 * @throws what does not hold
 */
export async function tryImage(image: Image, folder: string, say: (seen: string) => void): Promise<void> {
  const { spec } = await shippedDaemonSet();
  const [{ env, ports, livenessProbe }] = spec.containers;
  const variable = (name: string): string =>
    env.find((one: { name: string }) => one.name === name)?.value ?? '';
  const safeUrl = new URL(variable('VSECM_SAFE_ENDPOINT_URL'));
  await using stage = await Stage.start({ safePort: Number(safeUrl.port) });
  const socket = variable('SPIFFE_ENDPOINT_SOCKET').replace('unix://', '');
  const sockets = join(folder, 'spire');
  await mkdir(sockets, { recursive: true });
  await using spire = await DevSpire.start({
    authority: stage.authority,
    socketPath: join(sockets, socket.split('/').at(-1)!),
  });
  await chmod(join(sockets, socket.split('/').at(-1)!), 0o777);
  await spire.register(scoutId(POD));
  await stage.cluster.apply(writtenSlice([NODE]));
  const { caPem, server, token = '' } = await stage.cluster.credentialsFor(ACCOUNT);
  const { hostname: host, port } = new URL(server);
  const placement: Placement = {
    node: NODE,
    pod: POD,
    namespace: ACCOUNT.namespace,
    apiServer: { host, port },
    mounts: {
      '/var/run/secrets/kubernetes.io/serviceaccount': await tokenVolume(folder, spec.securityContext, {
        token,
        'ca.crt': caPem,
        namespace: ACCOUNT.namespace,
      }),
      // The name of Safe stands there, for there is no DNS in this network.
      '/etc/hosts': await file(folder, 'hosts', `127.0.0.1 localhost\n127.0.0.1 ${safeUrl.hostname}\n`),
      '/etc/resolv.conf': await file(folder, 'resolv.conf', 'nameserver 127.0.0.1\noptions ndots:5\n'),
      [spec.containers[0].volumeMounts[0].mountPath]: sockets,
    },
  };
  const config = ociConfig(image, spec, placement, CGROUP);
  await using container = await Container.start(join(folder, 'container'), POD, config);
  const at = `http://127.0.0.1:${ports[0].containerPort}`;
  await answers(`${at}/readyz`, container);
  await answers(`${at}${livenessProbe.httpGet.path}`, container);
  say('ready, and alive');

  const status = container.status();
  const { runAsUser, runAsGroup } = spec.securityContext;
  assert.equal(status.get('Uid'), Array(4).fill(runAsUser).join('\t'));
  assert.equal(status.get('Gid'), Array(4).fill(runAsGroup).join('\t'));
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    assert.match(status.get(set) ?? '', /^0+$/, set);
  assert.equal(status.get('NoNewPrivs'), '1');
  assert.equal(status.get('Seccomp'), '2');
  assert.match(status.get('NSpid') ?? '', /\t1$/);
  say(`PID 1, user ${runAsUser}, no capabilities, no new privileges, under a seccomp filter`);

  const root = readFileSync(`/proc/${container.pid}/mounts`, 'utf8').split('\n');
  assert.match(root.find((line) => line.split(' ')[1] === '/') ?? '', / ro,/);
  const found = readFileSync(`/proc/${container.pid}/environ`, 'utf8').split('\0').filter(Boolean);
  const wanted = environment(image, spec.containers[0], placement);
  assert.deepEqual(
    found.toSorted(),
    Object.entries(wanted)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
  );
  say(`its root read-only; of the environment ${env.length} variables of the manifest, no others of ours`);

  await stage.namespace('shop');
  await stage.safe.register({ name: 'raw:other', value: 'other', namespaces: ['other'] });
  await stage.safe.register({ name: 'raw:db', value: credentials(), namespaces: ['shop'] });
  await stage.cluster.apply(vss('db', REF), 'shop');
  await awaitObject(stage.cluster.admin, vssPath('shop', 'db'), isReady);
  await awaitObject(stage.cluster.admin, secretPath('shop', 'db'), holds('s3cr3t'));
  say('a VSecMSecret became a Secret');

  await stage.safe.register({ name: 'raw:db', value: credentials('root', 'n3w'), namespaces: ['shop'] });
  const refresh = { metadata: { annotations: { 'vsecm.com/refresh': 'now' } } };
  await stage.cluster.admin.ok('PATCH', vssPath('shop', 'db'), refresh, {
    'content-type': 'application/merge-patch+json',
  });
  await awaitObject(stage.cluster.admin, secretPath('shop', 'db'), holds('n3w'));
  say('a new value arrived in it');

  const peak = container.memoryPeak(CGROUP);
  if (peak !== undefined)
    say(`${Math.round(peak / 2 ** 20)} MiB at most, of ${spec.containers[0].resources.limits.memory}`);
  const from = performance.now();
  container.kill('TERM');
  assert.equal(await container.exited, 0, container.log.text.slice(-2_000));
  assert.equal(container.log.lines.at(-1)?.msg, 'Stopped');
  say(`ended with 0 ${Math.round(performance.now() - from)} ms after SIGTERM`);
}

const holds =
  (password: string) =>
  (secret: object | undefined): boolean =>
    valuesOf(secret)['password'] === password;

/** As a kubelet projects it: files are links into a folder that is a link, and only the pod's user reads them. */
async function tokenVolume(
  folder: string,
  { runAsUser, runAsGroup }: { runAsUser: number; runAsGroup: number },
  files: Record<string, string>,
): Promise<string> {
  const volume = join(folder, 'token');
  await mkdir(join(volume, '..2026'), { recursive: true });
  await symlink('..2026', join(volume, '..data'));
  for (const [name, text] of Object.entries(files)) {
    const path = join(volume, '..2026', name);
    await writeFile(path, text, { mode: 0o600 });
    await chown(path, runAsUser, runAsGroup);
    await symlink(join('..data', name), join(volume, name));
  }
  return volume;
}

async function file(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o644 });
  return path;
}

/** As the kubelet probes: resolves with the first 200. */
async function answers(url: string, container: Container): Promise<void> {
  const ended = container.exited.then((code) => {
    throw new Error(`the container ended with ${code}: ${container.log.text.slice(0, 2_000)}`);
  });
  const probed = (async () => {
    while (
      !(await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await sleep(50);
  })();
  await Promise.race([probed, ended]);
}
