import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { parseDockerfile } from '../scripts/image/dockerfile.ts';

// What takes no engine and no root to see; test/long/image.test.ts runs the image.
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const stages = parseDockerfile(read('Dockerfile'));
const [build, image] = stages;
const only = (name: string): string => {
  const found = image!.instructions.filter((instruction) => instruction.name === name);
  assert.equal(found.length, 1, `${name} in the last stage`);
  return found[0]?.rest ?? '';
};
const pod = (load(read('daemonset/60-daemonset.yaml')) as any).spec.template.spec;
const container = pod.containers[0];
const { version } = JSON.parse(read('package.json'));

describe('the image', () => {
  test('has two stages, the last one on distroless with nothing but dist/', () => {
    assert.equal(stages.length, 2);
    assert.equal(image!.from, 'gcr.io/distroless/nodejs24-debian12:nonroot');
    assert.equal(only('COPY'), '--from=build /src/dist /app/dist');
    assert.deepEqual(
      image!.instructions.filter(
        ({ name }) => !['LABEL', 'WORKDIR', 'COPY', 'USER', 'ENTRYPOINT'].includes(name),
      ),
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

  test('is of the base images with just these digests, if they are given', () => {
    const digests = { NODE_DIGEST: 'sha256:1', DISTROLESS_DIGEST: 'sha256:2' };
    assert.deepEqual(
      parseDockerfile(read('Dockerfile'), digests).map(({ from }) => from),
      ['node:24-bookworm-slim@sha256:1', 'gcr.io/distroless/nodejs24-debian12:nonroot@sha256:2'],
    );
  });

  test('has the version of the package, in its label, in the DaemonSet and in Kustomization', () => {
    assert.ok(only('LABEL').includes(`image.version="${version}" `));
    assert.equal(container.image, `vsecm-agent:${version}`);
    assert.match(read('daemonset/Kustomization'), new RegExp(`^    newTag: ${version}$`, 'm'));
  });

  test('is built from files that exist and that .dockerignore lets through', () => {
    const kept = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const { rest } of build!.instructions.filter(({ name }) => name === 'COPY')) {
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
