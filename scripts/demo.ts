import assert from 'node:assert/strict';
import { failsWith, isReady } from '../test/stage/await-object.ts';
import { DemoSecrets } from './demo/demo-secrets.ts';
import type { Place } from './demo/eyes.ts';
import { textOf, type SecretObject } from './demo/objects.ts';
import { inOwnSession } from './demo/own-session.ts';
import { perform } from './demo/perform.ts';
import type { Scene } from './demo/scene.ts';

/** One agent each. */
const NODES = ['node-1'];

const [SHOP, BILLING, OTHERS] = ['shop', 'billing', 'other-team'] as const;
const inShop: Place = [SHOP, 'database-credentials'];
const inBilling: Place = [BILLING, 'database-credentials'];
const ofOthers: Place = [OTHERS, 'database-credentials'];
const apiToken: Place = [SHOP, 'api-token'];

const secrets = new DemoSecrets();
const holds =
  (key: string, text: string) =>
  (secret: SecretObject | undefined): boolean =>
    textOf(secret, key) === text;

async function startTheAgents({ agents, people, safe, tell }: Scene): Promise<void> {
  tell.chapter(`A cluster with VSecM, and an agent on ${NODES.join(', ')}`);
  tell.command('kubectl apply -f daemonset');
  // The examples name placeholders; both are answered by the Safe of the demo.
  const allowed = `https://path/to/vsecm/safe/api/endpoint=${safe.dial} https://vsecm.example.com=${safe.dial}`;
  for (const node of NODES) {
    const ready = agents.start(node, { VSECM_AGENT_SAFE_URLS: allowed });
    await tell.witness(`the agent on ${node} has its SVID from SPIRE and is ready`, ready);
  }
  for (const namespace of [SHOP, BILLING, OTHERS]) await people.createNamespace(namespace);
}

async function aSecretWithoutName({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('One secret in Safe, and no way to tell whose it is');
  await people.register(secrets.databaseCredentials('cola-1', [SHOP, BILLING]));
  await people.applyExample(SHOP, 'database-credentials-with-labels.yaml');
  tell.failure(await see.resource('the VSecMSecret says UnnamedSecret', inShop, failsWith('UnnamedSecret')));
  await see.noSecret('no Secret is made', inShop);
}

async function aSecondSecretHeals({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('With a second secret in Safe, both have names');
  await people.register({
    name: 'vsecm-agent-placeholder',
    namespaces: ['vsecm-agent'],
    value: 'placeholder',
  });
  await see.secret(
    'the agent looks again by itself, and makes the Secret',
    inShop,
    holds('username', 'cola-1'),
  );
  await see.resource('the VSecMSecret is ready', inShop, isReady);
  await people.applyExample(BILLING, 'database-credentials.yaml');
  await see.secret('the other example has its Secret', inBilling, holds('username', 'cola-1'));
  await see.resource('and is ready', inBilling, isReady);
  await see.list();
  await see.describe(inShop);
}

async function aRotatedValue({ people, safe, see, tell }: Scene): Promise<void> {
  tell.chapter('The value is rotated in Safe, and a refresh is asked for');
  const reads = safe.reads.length;
  await people.register(secrets.databaseCredentials('cola-2', [SHOP, BILLING]));
  await people.refresh(inShop);
  await see.secret(`${SHOP} has it: cola-1 became cola-2`, inShop, holds('username', 'cola-2'));
  await see.secret(`${BILLING} has it too`, inBilling, holds('username', 'cola-2'));
  tell.say(
    `Safe was asked ${times(safe.reads.length - reads)} for both. It is never asked more often than every 5 s.`,
  );
}

async function aShortInterval({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('A third resource follows Safe every 10 s');
  const [first, second] = [secrets.apiToken([SHOP]), secrets.apiToken([SHOP])];
  await people.register(first);
  await people.applyText(
    SHOP,
    `apiVersion: vsecm.com/v1alpha1
kind: VSecMSecret
metadata:
  name: api-token
spec:
  vsecmSafeURL: https://vsecm.example.com
  refreshInterval: 10s
  data:
    - key: token
      ref: apiToken`,
  );
  await see.secret('it has its Secret', apiToken, holds('token', first.value));
  await people.register(second);
  await see.secret('the new value arrives by itself', apiToken, holds('token', second.value));
}

async function anEditByHand({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('Somebody edits a Secret by hand');
  await people.edit(inShop, 'username', 'mallory');
  await see.secret('repaired from memory: the username is cola-2 again', inShop, holds('username', 'cola-2'));
}

async function anotherTenant({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('A namespace that the secret was not registered for asks for it');
  await people.applyExample(OTHERS, 'database-credentials.yaml');
  tell.failure(await see.resource('the VSecMSecret says NotGranted', ofOthers, failsWith('NotGranted')));
  await see.noSecret('no Secret is made', ofOthers);
}

async function aNewIdentity({ agents, people, safe, see, stage, tell }: Scene): Promise<void> {
  tell.chapter('SPIRE rotates the SVID under way');
  const [node, reads] = [await see.nodeOf(apiToken), safe.reads.length];
  const from = agents.position(node);
  await (await stage.spire(node)).renew();
  const rotated = await see.logLine(
    `the agent on ${node} took up the new one`,
    node,
    'X.509-SVID rotated',
    from,
  );
  const token = secrets.apiToken([SHOP]);
  await people.register(token);
  await see.secret('the next value arrives over it', apiToken, holds('token', token.value));
  const since = safe.reads.slice(reads);
  assert.equal(BigInt(`0x${since.at(-1)?.serialNumber}`), BigInt(`0x${String(rotated['serial'])}`));
  assert.ok(since.every(({ status }) => status === 200));
  tell.say('Safe has seen the new certificate, and every request was answered.');
}

async function safeGoesAway({ agents, people, see, tell }: Scene): Promise<void> {
  tell.chapter('Safe goes away, and comes back');
  const node = await see.nodeOf(apiToken);
  const from = agents.position(node);
  await people.stopSafe();
  const failing = await see.logLine(
    'the next refresh fails, told once for all resources',
    node,
    'Fetching from Safe fails',
    from,
  );
  tell.command(`kubectl logs -n vsecm-agent ${String(failing['pod'])}`);
  tell.logLine(failing);
  await people.deleteSecret(inShop);
  await see.secret('Safe or not: the Secret is made again from memory', inShop, holds('username', 'cola-2'));
  await see.resource('its VSecMSecret is still ready', inShop, isReady);
  await people.startSafe();
  tell.logLine(await see.logLine('the agent has found it', node, 'Safe answers again', from));
}

async function theEnd({ see, tell }: Scene): Promise<void> {
  tell.chapter('What it came to');
  await see.list();
  const clean = see.noneOf(secrets.values);
  await tell.witness('no value of a secret in logs, metrics, VSecMSecrets and Events', clean);
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

const STORY = [
  startTheAgents,
  aSecretWithoutName,
  aSecondSecretHeals,
  aRotatedValue,
  aShortInterval,
  anEditByHand,
  anotherTenant,
  aNewIdentity,
  safeGoesAway,
  theEnd,
];

process.exit(await inOwnSession(() => perform(STORY)));
