import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { controlPlaneAssets } from '../devcluster/control-plane-assets.ts';
import { readWorkflow } from '../../scripts/demo/readme.ts';
import { commands, pages } from '../docs/documentation.ts';
import { Scene } from '../stage/scene.ts';

const SHOWN = /^kubectl (get|describe|annotate) vss /;
const found = (await pages()).flatMap(commands);

describe('commands of the pages, in a shell, on a cluster with the README’s VSecMSecret', () => {
  let scene: Scene;
  let env: Record<string, string>;
  before(async () => {
    const assets = await controlPlaneAssets();
    if (!('folder' in assets)) throw new Error(assets.missing);
    scene = await Scene.start();
    const { kubeconfig } = scene.stage.cluster;
    env = {
      PATH: `${assets.folder}:${process.env['PATH']}`,
      KUBECONFIG: kubeconfig,
      // Else kubectl keeps what it discovers in the working directory.
      HOME: dirname(kubeconfig),
    };
    const { credentials, resource } = await readWorkflow();
    await scene.stage.namespace('shop');
    await scene.register(credentials.name, credentials.value, ['shop']);
    await scene.apply(resource, 'shop');
    await scene.vss('shop', 'database-credentials');
  });
  after(() => scene?.close());

  const shell = async (command: string): Promise<string> =>
    (await promisify(execFile)('sh', ['-ec', command], { env })).stdout;

  for (const command of new Set(found.filter((one) => SHOWN.test(one))))
    test(command, async () => assert.match(await shell(command), /database-credentials/));

  test('the placeholder and its sum', async () => {
    const lines = found.filter((one) => one.includes('PLACEHOLDER') && !one.startsWith('kubectl'));
    assert.equal(lines.length, 2);
    assert.match(await shell(lines.join('\n')), /^[0-9a-f]{64} /);
  });
});
