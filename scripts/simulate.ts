import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hunt } from '../test/simulation/hunt.ts';
import { keep } from '../test/simulation/kept.ts';
import { huntMutant } from '../test/simulation/mutation.ts';
import { MUTANTS } from '../test/simulation/mutants.ts';
import { run, type Outcome } from '../test/simulation/run.ts';
import { CALM, scriptOf } from '../test/simulation/script.ts';
import { told } from '../test/simulation/event.ts';
import { shrink } from '../test/simulation/shrink.ts';
import { SMALL, type Setting } from '../test/simulation/setting.ts';

// `npm run simulate -- --runs N --minutes M [--from SEED] --json FILE`: many worlds with the default faults;
// `-- --agents N`: what N of them cost the API server;
// `-- --seed S [--minutes M]`: one of them with its trace; `-- --day`: a calm day of 5 agents and 200 resources.

/** What they serve, at little change. */
const CROWD = { resources: 200, secrets: 50, namespaces: 50, intervals: ['1h'] };

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '60' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    /** An invariant: shrinks the violation of it by this seed, or by the first one that violates it. */
    shrink: { type: 'string' },
    /** With `shrink`: the name under which what is left is kept, and what it waits for. */
    keep: { type: 'string' },
    awaits: { type: 'string' },
    /** Names of sources, with commas between; default some of all. */
    sources: { type: 'string' },
    /** Calm: what this many agents cost the API server in their first ten minutes, and in an hour from then on. */
    agents: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    day: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const minutes = Number(values.minutes);
const sources = values.sources?.split(',');
if (values.day) await day();
else if (values.agents !== undefined) await cost(Number(values.agents));
else if (values.mutants) await mutants();
else if (values.shrink !== undefined) await shrunk(values.shrink);
else if (values.seed !== undefined) await one(Number(values.seed));
else await many(Number(values.from), Number(values.runs));

async function day(): Promise<void> {
  const setting: Setting = {
    ...SMALL,
    seed: 1,
    agents: 5,
    resources: 200,
    secrets: 50,
    namespaces: 20,
    minutes: 24 * 60,
    intervals: ['1h'],
  };
  const outcome = await run(setting, scriptOf(setting, CALM));
  const { simulatedHours, wallSeconds, steps, hash, requests } = outcome;
  report({ simulatedHours, wallSeconds, steps, hash, requests, violations: outcome.violations.length });
  tell(outcome);
}

async function cost(agents: number): Promise<void> {
  const calm = async (minutes: number): Promise<Outcome> => {
    const setting: Setting = { ...SMALL, ...CROWD, seed: 1, agents, minutes };
    return run(setting, scriptOf(setting, CALM));
  };
  const [start, whole] = [await calm(10), await calm(70)];
  const columns = (kind: string): number[] =>
    [start.requests, whole.requests, start.characters, whole.characters].map((counts) => counts[kind] ?? 0);
  const rows = Object.keys(whole.requests)
    .toSorted()
    .map((kind) => {
      const [first = 0, all = 0, read = 0, readInAll = 0] = columns(kind);
      return [kind, first, all - first, read, readInAll - read];
    });
  console.log(
    'requests, in the first ten minutes and in an hour from then on; characters in their answers, alike',
  );
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
  report({ agents, ...CROWD, rows });
  tell(whole);
}

async function mutants(): Promise<void> {
  const seedsToFind: Record<string, number> = {};
  for (const mutant of MUTANTS) {
    const { name, seeds, wallSeconds, trouble } = await huntMutant(mutant);
    console.log(
      `${seeds === undefined ? 'NOT FOUND' : `${seeds} seeds`} (${wallSeconds} s) ${name} ${trouble ?? ''}`,
    );
    if (seeds !== undefined) seedsToFind[name] = seeds;
  }
  const found = Object.keys(seedsToFind).length;
  report({ planted: MUTANTS.length, found, seedsToFind });
  if (found < MUTANTS.length) process.exitCode = 1;
}

async function one(seed: number): Promise<void> {
  const setting: Setting = { ...SMALL, seed, minutes };
  const outcome = await run(setting, scriptOf(setting, sources), { print: (line) => console.log(line) });
  tell(outcome);
  report({ seed, hash: outcome.hash, violations: outcome.violations.length });
}

async function shrunk(invariant: string): Promise<void> {
  const from = Number(values.seed ?? values.from);
  const seeds = values.seed === undefined ? Number(values.runs) : 1;
  const hunted = await hunt({ setting: { ...SMALL, minutes }, sources, invariant, from, seeds });
  const found = hunted && (await shrink(hunted.outcome.setting, hunted.outcome.events, invariant));
  if (found === undefined) return console.log(`${seeds} seeds from ${from} do not violate ${invariant}`);
  const { trace } = await run(found.setting, found.events, { until: invariant });
  console.log(trace.last(60).join('\n'));
  for (const event of found.events) console.log(`${(event.at / 1000).toFixed(3)} s: ${told(event)}`);
  if (values.keep !== undefined) keep(values.keep, found, values.awaits);
  report({ ...found });
}

async function many(from: number, runs: number): Promise<void> {
  const began = performance.now();
  const faults: Record<string, number> = {};
  /** Seeds by the invariant that they violate. */
  const byInvariant: Record<string, number[]> = {};
  const failedSeeds: number[] = [];
  let [simulatedHours, steps, violations] = [0, 0, 0];
  for (let seed = from; seed < from + runs; seed++) {
    const setting: Setting = { ...SMALL, seed, minutes };
    const events = scriptOf(setting, sources);
    for (const event of events) faults[event.do] = (faults[event.do] ?? 0) + 1;
    const outcome = await run(setting, events);
    simulatedHours += outcome.simulatedHours;
    steps += outcome.steps;
    violations += outcome.violations.length;
    if (outcome.violations.length === 0) continue;
    failedSeeds.push(seed);
    for (const name of new Set(outcome.violations.map(({ invariant }) => invariant)))
      (byInvariant[name] ??= []).push(seed);
    tell(outcome, 1);
  }
  const wallSeconds = Math.round((performance.now() - began) / 10) / 100;
  report({ runs, simulatedHours, wallSeconds, steps, faults, violations, byInvariant, failedSeeds });
  if (failedSeeds.length > 0) process.exitCode = 1;
}

function tell({ setting, violations }: Outcome, most = 20): void {
  const first = new Map<string, number>();
  const shown = violations.filter(({ invariant }) => {
    first.set(invariant, (first.get(invariant) ?? 0) + 1);
    return first.get(invariant)! <= most;
  });
  for (const { invariant, at, text } of shown)
    console.log(`seed ${setting.seed} at ${(at / 1000).toFixed(3)} s: ${invariant}: ${text}`);
}

function report(result: object): void {
  console.log(JSON.stringify(result));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
}
