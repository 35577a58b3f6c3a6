import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { violations } from './structure.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const GENERATED = 'test/devcluster/spire/gen/';

function sources(): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of ['agent', 'scripts', 'test']) {
    for (const path of readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })) {
      const name = `${top}/${path.replaceAll('\\', '/')}`;
      if (name.endsWith('.ts') && !name.startsWith(GENERATED))
        files.set(name, readFileSync(join(ROOT, name), 'utf8'));
    }
  }
  return files;
}

test('every file keeps to the layout and to the import rule', () => {
  const files = sources();
  assert.ok(files.has('agent/log.ts'));
  assert.deepEqual(violations(files, Object.keys(dependencies)), []);
});

const refused: [string, string, RegExp][] = [
  ['agent/spiffe/tls.ts', "import { x } from '../kube/client.ts';", /spiffe does not know kube/],
  ['agent/shard/a.ts', "import type { X } from '../api/vsecmsecret.ts';", /shard does not know api/],
  ['agent/kube/a.ts', "export { x } from '../sync/secret.ts';", /kube does not know sync/],
  ['agent/api/a.ts', "import {\n  x,\n  y,\n} from '../safe/client.ts';", /api does not know safe/],
  ['agent/safe/a.ts', "import { type A, b } from '../spiffe/tls.ts';", /safe takes only types from spiffe/],
  [
    'agent/decide/a.ts',
    "import { resolve } from '../resolve/refs.ts';",
    /decide takes only types from resolve/,
  ],
  ['agent/decide/a.ts', "import type { A } from '../fetch/fetcher.ts';", /decide does not know fetch/],
  [
    'agent/report/a.ts',
    "import { decide } from '../decide/decide.ts';",
    /report takes only types from decide/,
  ],
  ['agent/target/a.ts', "import type { A } from '../sync/reconciler.ts';", /target does not know sync/],
  ['agent/fetch/a.ts', "import { KubeError } from '../kube/error.ts';", /fetch does not know kube/],
  ['agent/sync/a.ts', "import type { A } from '../safe/client.ts';", /sync does not know safe/],
  ['agent/sync/a.ts', "const x = await import('../shard/ownership.ts');", /sync does not know shard/],
  ['agent/sync/a.ts', "import '../spiffe/id.ts';", /sync does not know spiffe/],
  ['agent/sync/a.ts', "import type { Config } from '../config.ts';", /not the whole agent/],
  ['agent/cli/why.ts', "import { x } from '../resolve/refs.ts';", /cli does not know resolve/],
  ['agent/cli/why.ts', 'const home = process.env.HOME;', /only config\.ts/],
  ['agent/health.ts', "import { run } from './agent.ts';", /only main\.ts imports agent\.ts/],
  ['agent/agent.ts', "import { x } from '../test/fake-clock.ts';", /nothing outside agent/],
  ['agent/log.ts', "import x from 'left-pad';", /not among the dependencies/],
  ['agent/kube/a.ts', "import { KubeConfig } from '@kubernetes/client-node';", /by deep path/],
  ['agent/health.ts', 'const port = process.env.PORT;', /only config\.ts reads/],
  ['agent/health.ts', 'const { env } = process;', /only config\.ts reads/],
  ['agent/health.ts', "import { env } from 'node:process';", /only config\.ts reads/],
  ['agent/utils/text.ts', '', /says nothing/],
  ['agent/api/types.ts', '', /says nothing/],
  ['test/helpers.ts', '', /says nothing/],
  ['agent/sync/index.ts', '', /says nothing/],
  ['agent/sync/all.ts', "export * from './secret.ts';", /whole module/],
  ['agent/workQueue.ts', '', /kebab-case/],
  ['agent/backoff.ts', 'const draw = Math.random;', /Math\.random: clock and chance/],
  ['agent/kube/a.ts', 'const at = Date.now();', /Date\.now: clock and chance/],
  ['agent/kube/a.ts', 'const at = new Date().toISOString();', /new Date\(\): clock and chance/],
  ['agent/safe/a.ts', 'const late = AbortSignal.timeout(5);', /timeout: clock and chance/],
  ['agent/shard/a.ts', 'setTimeout(run, 5);', /setTimeout: clock and chance/],
  ['agent/sync/a.ts', "import { setImmediate as next } from 'node:timers/promises';", /clock and chance/],
];

for (const [path, source, why] of refused) {
  test(`${path} may not hold: ${source.replaceAll(/\s+/g, ' ') || '(anything)'}`, () => {
    const found = violations(new Map([[path, source]]), ['pino', '@kubernetes/client-node']);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', why);
  });
}

const allowed: [string, string][] = [
  ['agent/safe/a.ts', "import type { Identity } from '../spiffe/x509-source.ts';"],
  ['agent/safe/a.ts', "import { type Identity } from '../spiffe/x509-source.ts';"],
  [
    'agent/sync/a.ts',
    "import { Failure } from '../api/reasons.ts';\nimport { KubeError } from '../kube/error.ts';",
  ],
  ['agent/shard/a.ts', "import { Backoff } from '../backoff.ts';\nimport type { Log } from '../log.ts';"],
  ['agent/config.ts', 'export const read = (env = process.env) => env;'],
  ['agent/cli/environment.ts', 'export const read = (env = process.env) => env;'],
  ['agent/log.ts', "import { pino } from 'pino';"],
  ['agent/kube/a.ts', "import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';"],
  [
    'agent/kube/a.ts',
    "/** As in `import { x } from '../sync/secret.ts'`. */\n// process.env\nconst url = 'https://x';",
  ],
  ['agent/main.ts', "import { run } from './agent.ts';"],
  ['agent/clock.ts', 'const at = Date.now();'],
  ['agent/kube/a.ts', 'const at = new Date(clock.wall()).toISOString();'],
];

for (const [path, source] of allowed) {
  test(`${path} may hold: ${source.replaceAll(/\s+/g, ' ')}`, () => {
    assert.deepEqual(violations(new Map([[path, source]]), ['pino', '@kubernetes/client-node']), []);
  });
}
