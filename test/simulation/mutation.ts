import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';
import { SMALL } from './setting.ts';

/** Each is to be found within so many seeds and so long. */
export const SEEDS = 30;
export const SECONDS = 20;

export interface Verdict {
  name: string;
  /** How many seeds it took; undefined: not found. */
  seeds: number | undefined;
  wallSeconds: number;
  /** Why it could not be planted, or what the process said at its end. */
  trouble: string | undefined;
}

const HOOK = fileURLToPath(new URL('./plant.mjs', import.meta.url));
const HUNTER = fileURLToPath(new URL('./hunter.ts', import.meta.url));

/** Hunts a planted fault in a process of its own. */
export async function huntMutant({
  name,
  file,
  from,
  to,
  also,
  sources,
  invariant,
  minutes = 40,
  setting,
}: Mutant): Promise<Verdict> {
  const began = performance.now();
  // Nothing tells old from new where no secret changes.
  const names = [...new Set(['rotations', ...sources])];
  const prey = {
    setting: { ...SMALL, minutes, ...setting },
    sources: names,
    invariant,
    from: 1,
    seeds: SEEDS,
  };
  const child = spawn(process.execPath, [`--import=${HOOK}`, HUNTER], {
    env: {
      ...process.env,
      PLANT: JSON.stringify([{ file, from, to }, ...(also ? [also] : [])]),
      PREY: JSON.stringify(prey),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, said] = ['', ''];
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (said += chunk));
  const limit = setTimeout(() => child.kill('SIGKILL'), 1.5 * SECONDS * 1000);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(limit);
  const wallSeconds = Math.round((performance.now() - began) / 10) / 100;
  const seeds = code === 0 ? (JSON.parse(output) as { tried?: number }).tried : undefined;
  return {
    name,
    seeds,
    wallSeconds,
    trouble: code === 0 ? undefined : said.slice(-500) || `ended by ${code}`,
  };
}
