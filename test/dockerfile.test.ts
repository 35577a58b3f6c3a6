import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';

// No engine builds the image here, so these hold what would otherwise be noticed on a cluster.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Instruction {
  name: string;
  rest: string;
}

/** The instructions of each stage, in order. */
function stages(dockerfile: string): Instruction[][] {
  const all: Instruction[][] = [];
  for (const line of dockerfile.split('\n')) {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) continue;
    if (name === 'FROM') all.push([]);
    all.at(-1)?.push({ name, rest });
  }
  return all;
}

const [build = [], image = []] = stages(read('Dockerfile'));
const only = (name: string): string => {
  const found = image.filter((instruction) => instruction.name === name);
  assert.equal(found.length, 1, `${name} in the last stage`);
  return found[0]?.rest ?? '';
};
const pod = (load(read('daemonset/60-daemonset.yaml')) as any).spec.template.spec;
const container = pod.containers[0];
const { version } = JSON.parse(read('package.json'));

describe('the image', () => {
  test('has two stages, the last one on distroless with nothing but dist/', () => {
    assert.equal(stages(read('Dockerfile')).length, 2);
    assert.match(only('FROM'), /^gcr\.io\/distroless\/nodejs24-debian12:nonroot$/);
    assert.equal(only('COPY'), '--from=build /src/dist /app/dist');
    assert.deepEqual(
      image.filter(({ name }) => !['FROM', 'WORKDIR', 'COPY', 'USER', 'ENTRYPOINT'].includes(name)),
      [],
    );
  });

  test('runs as the numeric user of the DaemonSet', () => {
    const { runAsNonRoot, runAsUser, runAsGroup } = pod.securityContext;
    assert.equal(runAsNonRoot, true);
    assert.equal(only('USER'), `${runAsUser}:${runAsGroup}`);
    assert.ok(runAsUser > 0);
  });

  test('starts the process that the DaemonSet starts, which may read its folder, the token, what names are looked up in, and SPIRE’s folder only', () => {
    assert.deepEqual(JSON.parse(only('ENTRYPOINT')), container.command);
    const readable = container.command.filter((part: string) => part.startsWith('--allow-fs-read='));
    assert.deepEqual(readable, [
      `--allow-fs-read=${only('WORKDIR')}`,
      '--allow-fs-read=/var/run/secrets',
      '--allow-fs-read=/etc/hosts',
      '--allow-fs-read=/etc/resolv.conf',
      `--allow-fs-read=${container.volumeMounts[0].mountPath}`,
    ]);
    assert.equal(container.command.at(-1), `${only('WORKDIR')}/dist/agent.js`);
    assert.ok(container.command.includes('--permission'));
  });

  test('has the version of the package, in the DaemonSet and in Kustomization', () => {
    assert.equal(container.image, `vsecm-agent:${version}`);
    assert.match(read('daemonset/Kustomization'), new RegExp(`^    newTag: ${version}$`, 'm'));
  });

  test('is built from files that exist and that .dockerignore lets through', () => {
    const kept = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const { rest } of build.filter(({ name }) => name === 'COPY')) {
      for (const source of rest.split(' ').slice(0, -1)) {
        assert.ok(existsSync(join(ROOT, source)), source);
        assert.ok(
          kept.some((one) => source === one || source.startsWith(`${one}/`)),
          source,
        );
      }
    }
  });
});
