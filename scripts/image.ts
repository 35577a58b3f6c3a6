import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildImage, type Image } from './image/build-image.ts';
import { missing } from './image/machine.ts';
import { tryImage } from './image/trial.ts';

// `npm run image` follows the Dockerfile's steps without an engine, and runs what comes out as the pod would be run.
// The base images it cannot pull: see image/base-image.ts for what stands in for them.

const { values } = parseArgs({
  options: {
    'build-arg': { type: 'string', multiple: true, default: [] },
    /** Not for people: the image, in the process that has a network of its own. */
    inside: { type: 'string' },
  },
});
if (values.inside === undefined) await outside();
else {
  const { image, folder } = JSON.parse(values.inside) as { image: Image; folder: string };
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  await tryImage(image, folder, (seen) => console.log(`✓ ${seen}`));
  process.exit(0);
}

async function outside(): Promise<void> {
  const why = missing();
  if (why !== undefined) {
    console.error(`The image cannot be run here: ${why}`);
    process.exit(1);
  }
  const folder = await mkdtemp(join(tmpdir(), 'vsecm-image-'));
  try {
    // The pod's user goes through it.
    await chmod(folder, 0o755);
    const args = Object.fromEntries(values['build-arg'].map((one) => one.split(/=(.*)/s)));
    const image = buildImage(folder, { args, say: (step) => console.log(step) });
    const self = fileURLToPath(import.meta.url);
    const inside = JSON.stringify({ image, folder });
    const command = ['--net', process.execPath, '--import', 'tsx', self, '--inside', inside];
    process.exitCode = spawnSync('unshare', command, { stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
