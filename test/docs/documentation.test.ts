import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAll } from 'js-yaml';
import { LOGS, REFERENCE, renderLogs, renderReference } from '../../scripts/reference/render.ts';
import { startInProcess } from '../stage/agents.ts';
import { awaitObject, isReady, secretPath, vssPath } from '../stage/await-object.ts';
import { FAST, Stage } from '../stage/stage.ts';
import { agentSources, blocks, brokenLinks, pages, ROOT, safeCommands, type Page } from './documentation.ts';

const all = await pages();
const page = (path: string): Page => all.find((one) => one.path === path) ?? assert.fail(`no ${path}`);

test('the tables of the reference are those of the code', async () => {
  const text = await readFile(REFERENCE, 'utf8');
  assert.equal(text, await renderReference(text), 'run: npm run docs');
  const logs = await readFile(LOGS, 'utf8');
  assert.equal(logs, renderLogs(logs), 'run: npm run docs');
});

test('the page about the log has every message of the agent, and no other', async () => {
  const documented = [...page('docs/logs.md').text.matchAll(/^\| [a-z, ]+ \| `([^`]+)` \|/gm)].map(
    ([, message = '']) => message,
  );
  const sources = await agentSources();
  const logged = [
    ...sources.matchAll(/\blog(?:\.\w+|\[[^\]]+\])\(\s*'([^']+)'/g),
    ...sources.matchAll(/(?:#report|#complain)\(\s*'([^']+)'/g),
    ...sources.matchAll(/message: '([^']+)' \} as const/g),
  ].map(([, message = '']) => message);
  assert.ok(logged.length > 20);
  for (const message of logged) assert.ok(documented.includes(message), `docs/logs.md lacks: ${message}`);
  for (const message of documented)
    assert.ok(sources.includes(`'${message}'`), `no longer logged: ${message}`);
});

test('the reference knows every code, and no other', async () => {
  const { REASONS } = await import('../../agent/api/reasons.ts');
  const codes = [...page('docs/reference.md').text.matchAll(/^\| \w+ \| `(\w+)` \|/gm)].map(
    ([, code]) => code,
  );
  assert.deepEqual(codes, Object.keys(REASONS));
});

test('links between the pages lead somewhere', async () => {
  for (const one of all) assert.deepEqual(await brokenLinks(one), [], one.path);
});

test('YAML in the pages parses', () => {
  const found = all.flatMap((one) => blocks(one, 'yaml'));
  assert.ok(found.length > 0);
  for (const block of found)
    assert.ok(
      loadAll(block).every((object) => typeof object === 'object'),
      block,
    );
});

test('npm scripts and files that the pages name are there', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  for (const { path, text } of all) {
    for (const [, name = ''] of text.matchAll(/npm run ([a-z:]+)/g))
      assert.ok(scripts[name], `${path}: npm run ${name}`);
    for (const [, file = ''] of text.matchAll(/`((?:agent|daemonset|docs|scripts|test)\/[\w./-]+)`/g)) {
      assert.ok(existsSync(join(ROOT, file)), `${path}: ${file}`);
    }
  }
});

test('what the README registers and applies becomes the Secret that its pod reads', async () => {
  const readme = page('README.md');
  const objects = blocks(readme, 'yaml').flatMap((block) => loadAll(block)) as any[];
  const [resource] = objects.filter(({ kind }) => kind === 'VSecMSecret');
  const [pod] = objects.filter(({ kind }) => kind === 'Pod');
  await using stage = await Stage.start({ kind: 'dev' });
  const registrations = blocks(readme, 'sh').flatMap(safeCommands);
  assert.equal(registrations.length, 2);
  for (const registration of registrations) await stage.safe.register(registration);
  await stage.namespace('shop');
  await stage.cluster.apply(resource, 'shop');
  const agent = startInProcess(await stage.join('node-1'), { pace: FAST, floorMs: 50 });
  try {
    await awaitObject(stage.cluster.admin, vssPath('shop', resource.metadata.name), isReady);
    const { secretKeyRef } = pod.spec.containers[0].env[0].valueFrom;
    assert.equal(pod.spec.volumes[0].secret.secretName, secretKeyRef.name);
    const secret = await stage.cluster.admin.ok('GET', secretPath('shop', secretKeyRef.name));
    assert.equal(Buffer.from(secret.data[secretKeyRef.key], 'base64').toString(), 'root');
    assert.equal(secret.metadata.labels.app, 'coca-cola');
  } finally {
    await agent.stop();
  }
});
