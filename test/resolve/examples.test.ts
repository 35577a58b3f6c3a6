import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAll } from 'js-yaml';
import { parseSpec } from '../../agent/api/vsecmsecret.ts';
import type { StoredSecret } from '../../agent/resolve/answer.ts';
import type { Desired } from '../../agent/resolve/desired.ts';
import { atOnce } from '../../agent/resolve/in-pieces.ts';
import { resolve } from '../../agent/resolve/refs.ts';
import { NOW } from './content.ts';
import { answerOf, stored, PLAIN } from './stored-secret.ts';

const FOLDER = join(import.meta.dirname, '../../daemonset/examples');
const COMMAND = /^# {3}safe -w raw:(?<name>\S+) (?<granted>(?:-n \S+ )+)-s '(?<value>[^']+)'$/gm;

/** What the commands in the comments of an example register. */
const registeredBy = (text: string): StoredSecret[] =>
  Array.from(text.matchAll(COMMAND), ({ groups }) => {
    const { name, granted, value } = groups as Record<string, string>;
    return stored(name!, value!, { namespaces: Array.from(granted!.matchAll(/-n (\S+)/g), ([, ns]) => ns!) });
  });

interface Resource {
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** What the agents make of an example in a Safe that holds these secrets. */
const made = (text: string, secrets: StoredSecret[]): Desired[] =>
  (loadAll(text) as Resource[])
    .filter(({ kind }) => kind === 'VSecMSecret')
    .map((resource) =>
      atOnce(
        resolve(parseSpec(resource), {
          answer: answerOf(...secrets),
          namespace: resource.metadata.namespace ?? 'default',
          grants: 'enforce',
          scope: PLAIN,
          now: NOW,
        }),
      ),
    );

for (const file of readdirSync(FOLDER)) {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  test(`${file} does what it says`, () => {
    assert.doesNotMatch(text, /safe -w (?!raw:)/);
    const documented = registeredBy(text);
    // The two of the introduction come without a word, the README says how theirs is registered.
    const secrets = file.startsWith('database-credentials')
      ? [
          stored(
            'databaseCredentials',
            '{"cocaCola":{"data":{"username":"root","password":"..."},"labels":{"app":"web"},"annotations":{"env":"test"}}}',
            { namespaces: ['default'] },
          ),
        ]
      : documented;
    const secretsMade = made(text, secrets);
    assert.ok(secretsMade.length > 0);
    assert.deepEqual(
      new Set(secretsMade.flatMap(({ used }) => used)),
      new Set(secrets.map(({ name }) => name)),
    );
  });
}

test('each team gets what is shared and its own', () => {
  const text = readFileSync(join(FOLDER, 'many-tenants.yaml'), 'utf8');
  const [red, blue] = made(text, registeredBy(text)).map(({ data }) =>
    Object.fromEntries([...data].map(([key, value]) => [key, Buffer.from(value).toString()])),
  );
  const shared = { BROKER_HOST: 'broker.example.com', BROKER_PORT: '5671', BROKER_PASSWORD: '...' };
  assert.deepEqual(
    [red, blue],
    [
      { ...shared, BROKER_USER: 'red' },
      { ...shared, BROKER_USER: 'blue' },
    ],
  );
});
