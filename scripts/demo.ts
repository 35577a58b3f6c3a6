import assert from 'node:assert/strict';
import { failsWith, isReady } from '../test/stage/await-object.ts';
import { DemoSecrets } from './demo/demo-secrets.ts';
import type { Place } from './demo/eyes.ts';
import { textOf, type SecretObject } from './demo/objects.ts';
import { inOwnSession } from './demo/own-session.ts';
import { perform } from './demo/perform.ts';
import { readWorkflow } from './demo/readme.ts';
import { ELSEWHERE, type Scene } from './demo/scene.ts';

/** One agent each. */
const NODES = ['node-1', 'node-2', 'node-3'];

const [SHOP, BILLING, WEB, OTHERS] = ['shop', 'billing', 'web', 'other-team'] as const;
const inShop: Place = [SHOP, 'database-credentials'];
const inBilling: Place = [BILLING, 'database-credentials'];
const inWeb: Place = [WEB, 'database-credentials'];
const ofOthers: Place = [OTHERS, 'database-credentials'];
const partnerToken: Place = [SHOP, 'partner-token'];
const apiToken: Place = [SHOP, 'api-token'];

const readme = await readWorkflow();
const secrets = new DemoSecrets();
const holds =
  (key: string, text: string) =>
  (secret: SecretObject | undefined): boolean =>
    textOf(secret, key) === text;

async function startTheAgents({ agents, people, tell }: Scene): Promise<void> {
  tell.chapter(`A cluster with VSecM, and an agent on each of ${NODES.length} nodes`);
  tell.command('kubectl apply -f daemonset');
  const starting = NODES.map((node) => ({ node, ready: agents.start(node) }));
  for (const { node, ready } of starting)
    await tell.witness(`the agent on ${node} has its SVID from SPIRE and is ready`, ready);
  await tell.witness('each has found the others in the EndpointSlices', agents.whenMembers(NODES.length));
  for (const namespace of [SHOP, BILLING, WEB, OTHERS]) await people.createNamespace(namespace);
}

async function aSecretWithoutName({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('The README step by step: one secret in Safe, and no way to tell whose it is');
  await people.register(secrets.known(readme.credentials));
  await people.applyText(SHOP, readme.resource);
  tell.failure(await see.resource('the VSecMSecret says UnnamedSecret', inShop, failsWith('UnnamedSecret')));
  await see.noSecret('no Secret is made', inShop);
}

async function aSecondSecretHeals({ people, placeholder, see, tell }: Scene): Promise<void> {
  tell.chapter('With a second secret in Safe, both have names: the Secret is there, and a pod reads it');
  await people.register(secrets.placeholder(readme.placeholder, placeholder));
  await see.secret(
    'the agent looks again by itself, and makes the Secret',
    inShop,
    holds('username', 'root'),
  );
  await see.resource('the VSecMSecret is ready', inShop, isReady);
  await see.list(SHOP);
  await people.applyPod(SHOP, readme.pod);
  await see.pod('a pod gets the username as a variable, and both keys as files', SHOP, readme.pod);
}

async function aRotatedValue({ people, safe, see, tell }: Scene): Promise<void> {
  tell.chapter('Registered again: a new value, and for more namespaces');
  await people.register(secrets.databaseCredentials('cola-2', [SHOP, BILLING, WEB]));
  const reads = safe.reads.length;
  await people.refresh(inShop);
  await see.secret(`${SHOP} has it: root became cola-2`, inShop, holds('username', 'cola-2'));
  await people.applyExample(BILLING, 'database-credentials-with-labels.yaml');
  await people.applyExample(WEB, 'database-credentials.yaml');
  await see.secret(`${BILLING} has its Secret`, inBilling, holds('username', 'cola-2'));
  await see.secret(`${WEB} too`, inWeb, holds('username', 'cola-2'));
  for (const place of [inBilling, inWeb]) await see.resource(`${place[0]} is ready`, place, isReady);
  await see.list();
  tell.say(
    `NODE is the owner of the namespace. Safe was asked ${times(safe.reads.length - reads)} for all three: ` +
      'by each agent at most once in 5 s, whatever it serves.',
  );
  await see.describe(inBilling);
}

async function aShortInterval({ people, see, tell }: Scene): Promise<void> {
  tell.chapter('Another resource follows Safe every 10 s');
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
  const node = await see.nodeOf(apiToken);
  const reads = safe.reads.length;
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
  const since = safe.reads.slice(reads).filter(({ spiffeId }) => spiffeId === rotated['spiffeID']);
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

async function anAgentIsKilled({ agents, people, see, tell }: Scene): Promise<void> {
  const node = await see.nodeOf(apiToken);
  tell.chapter(`The agent on ${node} is killed`);
  await see.list();
  const served = await see.servedBy(node);
  const watch = await see.secretsFromNow();
  await people.killAgent(node);
  tell.say(
    'A kubelet starts it again at once. Here it stays away for longer than the others wait for it: 2 s.',
  );
  for (const place of served)
    await see.resource(
      `${place.join('/')} is served by another`,
      place,
      (one) => (one?.status?.node ?? node) !== node,
    );
  await see.list();
  const token = secrets.apiToken([SHOP]);
  await people.register(token);
  const last = await see.secret('the next value arrives by itself', apiToken, holds('token', token.value));
  await tell.witness('no Secret was away or empty for a moment', watch.unbroken(last));
  await tell.witness(`started again, the agent on ${node} is ready`, agents.restart(node));
  for (const place of served)
    await see.resource(
      `${place.join('/')} is served by it again`,
      place,
      (one) => one?.status?.node === node,
    );
}

async function aSafeElsewhere({ agents, people, see, tell }: Scene): Promise<void> {
  tell.chapter('A second cluster, with a SPIRE and a Safe of its own: its trust domain is b.example');
  const token = secrets.partnerToken([`vsecm.com/${SHOP}`]);
  await people.registerElsewhere(token);
  await people.applyText(
    SHOP,
    `apiVersion: vsecm.com/v1alpha1
kind: VSecMSecret
metadata:
  name: partner-token
spec:
  vsecmSafeURL: ${ELSEWHERE}
  data:
    - key: token
      ref: partnerToken`,
  );
  tell.failure(
    await see.resource(
      'without its trust bundle nothing could verify that Safe: it is not asked',
      partnerToken,
      failsWith('TrustDomainNotFederated'),
    ),
  );
  await people.federate(NODES);
  await see.secret('the Secret is there', partnerToken, holds('token', token.value));
  await see.resource('the VSecMSecret is ready', partnerToken, isReady);
  const node = await see.nodeOf(partnerToken);
  const from = agents.position(node);
  await people.unfederate(NODES);
  await see.logLine(
    'taken back: connections have ended, and that Safe is asked no more',
    node,
    'trust domain no longer federated',
    from,
  );
  await see.secret('the Secret stays as it was', partnerToken, holds('token', token.value));
}

async function theEnd({ see, tell }: Scene): Promise<void> {
  tell.chapter('What is nowhere to be seen');
  const clean = see.noneOf(secrets.values);
  await tell.witness('no value of a secret in logs, metrics, VSecMSecrets and Events', clean);
}

const times = (count: number): string => ['never', 'once', 'twice'][count] ?? `${count} times`;

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
  anAgentIsKilled,
  aSafeElsewhere,
  theEnd,
];

process.exit(await inOwnSession(() => perform(STORY)));
