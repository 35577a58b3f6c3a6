import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// `npm run test:versions` builds the control plane of each minor version that Kubernetes supports, some 7 minutes
// each on two cores, and runs on it what asks the real one: contract and real suites. `-- v1.34.4` limits it.

const BUILD = fileURLToPath(new URL('control-plane/build.sh', import.meta.url));
const TEST = fileURLToPath(new URL('test.ts', import.meta.url));
/** The newest patch of each that the Go module proxy has. */
const VERSIONS = ['v1.34.4', 'v1.35.4', 'v1.36.3', 'v1.37.2'];
const SUITES = ['test/contract/', 'test/real/'];

const wanted = process.argv.slice(2);
const outcomes: [version: string, outcome: string][] = [];
for (const version of wanted.length > 0 ? wanted : VERSIONS) {
  console.log(`\nKubernetes ${version}`);
  const build = spawn('bash', [BUILD, version], { stdio: ['ignore', 'pipe', 'inherit'] });
  let folder = '';
  build.stdout.setEncoding('utf8').on('data', (text: string) => (folder += text));
  const [built] = (await once(build, 'close')) as [number | null];
  if (built !== 0) {
    outcomes.push([version, built === 3 ? 'not built: there is no Go' : 'not built']);
    continue;
  }
  const tests = spawn(process.execPath, ['--import', 'tsx', TEST, ...SUITES], {
    env: { ...process.env, KUBEBUILDER_ASSETS: folder.trim() },
    stdio: 'inherit',
  });
  const [code] = (await once(tests, 'close')) as [number | null];
  outcomes.push([version, code === 0 ? 'passed' : 'failed']);
}
console.log('');
for (const [version, outcome] of outcomes) console.log(`Kubernetes ${version.padEnd(10)} ${outcome}`);
process.exitCode = outcomes.every(([, outcome]) => outcome === 'passed') ? 0 : 1;
