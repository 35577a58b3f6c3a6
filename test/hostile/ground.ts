import { join } from 'node:path';
import { bundle } from '../../scripts/build.ts';
import { emptyFolder, startProcess } from '../stage/agents.ts';
import { Stage } from '../stage/stage.ts';
import type { Ground } from './attacks.ts';

/** What Node takes of 512 MiB. */
export const HEAP = '--max-old-space-size=260';
const LOOP_WATCH = join(import.meta.dirname, 'loop-watch.ts');

/** An agent as its pod runs it, and the namespace of somebody hostile. */
export async function startGround(): Promise<Ground & AsyncDisposable> {
  const stage = await Stage.start();
  const built = await emptyFolder();
  const { file } = await bundle(built.path);
  const flags = [HEAP, `--import=${LOOP_WATCH}`, `--allow-fs-read=${LOOP_WATCH}`];
  const agent = startProcess(await stage.join('node-1'), { bundle: file, flags });
  await agent.port();
  await stage.namespace('evil');
  return {
    stage,
    agent,
    async [Symbol.asyncDispose]() {
      agent.kill('SIGKILL');
      await agent.exited;
      await stage.close();
      await built[Symbol.asyncDispose]();
    },
  };
}
