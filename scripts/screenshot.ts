import { join } from 'node:path';
import { launch } from '../test/page/browser.ts';
import { failsWith, isReady } from '../test/stage/await-object.ts';
import { credentials, Scene, vss } from '../test/stage/scene.ts';

// Takes docs/page.png: the page of an agent on the development cluster, of whose resources some fail. Needs
// Chromium: node --import tsx scripts/screenshot.ts
const FILE = join(import.meta.dirname, '../docs/page.png');
const SAFE = 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443';

await using scene = await Scene.start(({ safe }) => ({
  VSECM_SAFE_ENDPOINT_URL: SAFE,
  // A Safe of another name, on which nobody listens.
  VSECM_AGENT_SAFES: JSON.stringify([
    { url: SAFE, dial: safe.dial },
    { url: 'https://safe.eu.example', dial: 'https://127.0.0.1:1' },
  ]),
}));
const at = (namespace: string, name: string, spec: object): Promise<unknown> =>
  scene.apply(vss(name, { vsecmSafeURL: SAFE, ...spec }), namespace);
const one = (key: string, ref: string) => ({ data: [{ key, ref }] });

for (const namespace of ['billing', 'checkout', 'shop']) await scene.stage.namespace(namespace);
await scene.register('databaseCredentials', credentials(), ['shop', 'billing']);
await scene.register('stripe', JSON.stringify({ apiKey: 'value' }), ['checkout'], {
  expires: '2020-01-01T00:00:00Z',
});
await at('shop', 'database-credentials', {
  data: ['username', 'password'].map((key) => ({ key, ref: `databaseCredentials.cocaCola.data.${key}` })),
  labels: [{ key: 'app', ref: 'databaseCredentials.cocaCola.labels.app' }],
});
await at('billing', 'reports-database', {
  data: [
    { key: 'username', ref: 'databaseCredentials.cocaCola.data.username' },
    { key: 'passwd', ref: 'databaseCredentials.cocaCola.data.passwd' },
  ],
});
await at('billing', 'ledger-database', {
  refreshInterval: '5m',
  ...one('password', 'databaseCredentials.cocaCola.data.password'),
});
await at('checkout', 'stripe', one('api-key', 'stripe.apiKey'));
await at('checkout', 'cart-database', one('password', 'databaseCredentials.cocaCola.data.password'));
await at('checkout', 'fraud-check', {
  vsecmSafeURL: 'https://safe.eu.example',
  ...one('token', 'fraud.token'),
});

const READY = { shop: ['database-credentials'], billing: ['ledger-database'] };
for (const [namespace, names] of Object.entries(READY))
  for (const name of names) await scene.vss(namespace, name, isReady);
await scene.vss('billing', 'reports-database', failsWith('RefNotFound'));
await scene.vss('checkout', 'stripe', failsWith('Expired'));
await scene.vss('checkout', 'cart-database', failsWith('NotGranted'));
await scene.vss('checkout', 'fraud-check', failsWith('SafeUnreachable'));

const { pagePort } = await scene.agent.log.when(({ msg }) => msg === 'Agent started');
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  await page.goto(`http://localhost:${Number(pagePort)}/`);
  await page.screenshot({ path: FILE, fullPage: true });
  console.log('docs/page.png is taken anew');
} finally {
  await browser.close();
}
