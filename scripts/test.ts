import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Tally } from './test-tally.ts';

// `npm test` runs all that this machine can run, `npm run test:long` what takes longer. Words after `--`
// limit both to the files whose path contains one of them: `npm test -- kube/informer`. With `--verbose` each test is
// told, otherwise only what is not well. With `--again` a file that failed is run once more, alone: what passes then
// needs its cause found, but did not break; it is told as such.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules/.bin');
const ON_BOTH_CLUSTERS = ['test/cli/', 'test/contract/', 'test/integration/'];
const TEST_SECONDS = 120;
/** More files than this do not fail by chance. */
const MOST_AGAIN = 6;
/** How many files are told at the end with the time that they took. */
const SLOWEST = 10;

interface Suite {
  title: string;
  files: string[];
  cluster: 'dev' | 'real';
  /** Where the real control plane's binaries are. */
  assets?: string;
  /** Test files at a time. */
  concurrency: number;
  /** How long one file and all of them may take. */
  fileSeconds: number;
  seconds: number;
}

interface Result {
  title: string;
  passed: number;
  failed: number;
  skipped: number;
  /** What happened, for the summary. */
  text: string;
  files?: Tally['files'];
}

const { values, positionals } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const results = values.long ? await long() : await short();

console.log('');
for (const { title, text } of results) console.log(`${title.padEnd(24)} ${text}`);
const slowest = results
  .flatMap(({ title, files = [] }) => files.map((one) => ({ ...one, title })))
  .toSorted((a, b) => b.seconds - a.seconds)
  .slice(0, SLOWEST);
if (slowest.length > 0) console.log('\nThe slowest files:');
for (const { file, seconds, title } of slowest)
  console.log(`${seconds.toFixed(1).padStart(7)} s  ${file} (${title})`);
const sum = (of: (result: Result) => number): number =>
  results.reduce((total, result) => total + of(result), 0);
const failed = sum((result) => result.failed);
console.log(`\n${sum((result) => result.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function short(): Promise<Result[]> {
  const files = await testFiles((path) => !path.startsWith('test/long/'));
  const done: Result[] = [];
  if (positionals.length === 0) {
    done.push(await check('types', 'tsc', ['-p', '.']));
    done.push(await check('lint', 'oxlint', ['--deny-warnings']));
    done.push(await check('format', 'oxfmt', ['--check']));
  }
  const cores = availableParallelism();
  done.push(
    await runSuite({
      title: 'development cluster',
      files: files.filter((path) => !path.startsWith('test/real/')),
      cluster: 'dev',
      concurrency: cores,
      fileSeconds: 240,
      seconds: 900,
    }),
  );
  const real = files.filter((path) =>
    ['test/real/', ...ON_BOTH_CLUSTERS].some((folder) => path.startsWith(folder)),
  );
  const title = 'real control plane';
  const assets = real.length === 0 ? undefined : await controlPlane();
  if (assets !== undefined && 'missing' in assets) done.push(notRun(title, assets.missing));
  else {
    // An API server, etcd and the agent keep a core busy each.
    const concurrency = Math.max(1, Math.min(3, Math.floor(cores / 2)));
    const folder = assets === undefined ? {} : { assets: assets.folder };
    done.push(
      await runSuite({
        title,
        files: real,
        cluster: 'real',
        ...folder,
        concurrency,
        fileSeconds: 400,
        seconds: 1500,
      }),
    );
  }
  return done;
}

async function long(): Promise<Result[]> {
  const files = await testFiles((path) => path.startsWith('test/long/'));
  if (files.length === 0) return [notRun('long tests', 'there are none')];
  const assets = await controlPlane();
  // They wait more than they work.
  const suite = { files, concurrency: 2, fileSeconds: 1200, seconds: 3000 };
  if ('missing' in assets) {
    const skipped = notRun('long, real', assets.missing);
    return [await runSuite({ ...suite, title: 'long, development', cluster: 'dev' }), skipped];
  }
  return [await runSuite({ ...suite, title: 'long, real', cluster: 'real', assets: assets.folder })];
}

async function testFiles(wanted: (path: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob('test/**/*.test.ts', { cwd: ROOT })) found.push(path.replaceAll('\\', '/'));
  return found
    .filter(
      (path) => wanted(path) && (positionals.length === 0 || positionals.some((word) => path.includes(word))),
    )
    .toSorted();
}

/** Where the binaries of the real control plane are, built if need be, or why there are none. */
async function controlPlane(): Promise<{ folder: string } | { missing: string }> {
  const { controlPlaneAssets } = await import('../test/devcluster/control-plane-assets.ts');
  return controlPlaneAssets();
}

function notRun(title: string, why: string): Result {
  return { title, passed: 0, failed: 0, skipped: 0, text: `did not run: ${why}` };
}

async function check(title: string, command: string, args: string[]): Promise<Result> {
  console.log(`\n== ${title}: ${command} ${args.join(' ')}`);
  const { code, seconds } = await run(join(BIN, command), args, {}, 300);
  return {
    title,
    passed: code === 0 ? 1 : 0,
    failed: code === 0 ? 0 : 1,
    skipped: 0,
    text: `${code === 0 ? 'passed' : 'FAILED'} (${seconds} s)`,
  };
}

async function runSuite(suite: Suite): Promise<Result> {
  const first = await attempt(suite);
  const bad = (first.files ?? []).filter(({ ok }) => !ok).map(({ file }) => file);
  if (!values.again || first.failed === 0 || bad.length === 0 || bad.length > MOST_AGAIN) return first;
  console.log(`\n== ${suite.title}: ${bad.length} files failed and are run again, alone`);
  const second = await attempt({ ...suite, files: bad, concurrency: 1 });
  const still = new Set((second.files ?? []).filter(({ ok }) => !ok).map(({ file }) => file));
  const flaky = bad.filter((file) => !still.has(file));
  const text = `${first.text}; again, alone: ${second.text}; FLAKY: ${flaky.join(', ') || 'none'}`;
  return { ...first, failed: second.failed, text };
}

async function attempt({
  title,
  files,
  cluster,
  assets,
  concurrency,
  fileSeconds,
  seconds,
}: Suite): Promise<Result> {
  if (files.length === 0) return notRun(title, 'no file matches');
  console.log(`\n== ${title}: ${files.length} files`);
  const folder = await mkdtemp(join(tmpdir(), 'vsecm-test-'));
  const counted = join(folder, 'tally.json');
  const args = [
    '--import=tsx',
    `--import=${script('file-deadline.ts')}`,
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TEST_SECONDS * 1000}`,
    // For the reader, and to be counted.
    `--test-reporter=${values.long || values.verbose ? 'spec' : script('test-report.ts')}`,
    '--test-reporter-destination=stdout',
    `--test-reporter=${script('test-tally.ts')}`,
    `--test-reporter-destination=${counted}`,
    ...files,
  ];
  const env = {
    VSECM_TEST_CLUSTER: cluster,
    VSECM_TEST_FILE_SECONDS: String(fileSeconds),
    ...(assets === undefined ? {} : { KUBEBUILDER_ASSETS: assets }),
  };
  const ended = await run(process.execPath, args, env, seconds);
  const text = existsSync(counted) ? await readFile(counted, 'utf8') : '';
  const tally: Tally =
    text === '' ? { passed: 0, failed: 0, skipped: 0, files: [] } : (JSON.parse(text) as Tally);
  await rm(folder, { recursive: true });
  // A runner that was ended before its totals has failed, whatever it had counted.
  const failed = ended.code !== 0 && tally.failed === 0 ? 1 : tally.failed;
  const parts = [
    `${tally.passed} passed`,
    `${failed} failed`,
    ...(tally.skipped > 0 ? [`${tally.skipped} skipped`] : []),
  ];
  const late = ended.late ? `, ended after ${seconds} s without result` : '';
  return { ...tally, title, failed, text: `${parts.join(', ')} (${ended.seconds} s)${late}` };
}

function script(file: string): string {
  return pathToFileURL(join(ROOT, 'scripts', file)).href;
}

/** Runs to its end, or ends it when the time is over. Its output goes where ours goes. */
async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  limitSeconds: number,
): Promise<{ code: number; seconds: number; late: boolean }> {
  const began = Date.now();
  const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1' };
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...plain, PATH: `${BIN}:${process.env.PATH ?? ''}`, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGTERM');
  }, limitSeconds * 1000);
  const code = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status) => resolve(status ?? 1));
  });
  clearTimeout(limit);
  return { code, seconds: Math.round((Date.now() - began) / 1000), late };
}
