import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { dump, load } from 'js-yaml';
import { createMetrics } from '../../agent/metrics.ts';
import { credentials, Scene, vss } from '../stage/scene.ts';
import { failsWith } from '../stage/await-object.ts';
import { dashboardQueries, ruleGroups, series, unknownIn } from './monitoring.ts';
import { noPromtool, promtool } from './promtool.ts';

const RULE_TESTS = join(import.meta.dirname, 'prometheusrule.test.yaml');
const rules = (await ruleGroups()).groups.flatMap((group) => group.rules);

async function ruleFile(t: TestContext): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'alerts-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'rules.yaml');
  await writeFile(file, dump(await ruleGroups()));
  return { folder, file };
}

test('Prometheus takes the rules', { skip: noPromtool }, async (t) => {
  const { file } = await ruleFile(t);
  const { code, output } = await promtool(['check', 'rules', file]);
  assert.equal(code, 0, output);
});

test('each alert fires when it should and ends with its cause', { skip: noPromtool }, async (t) => {
  const { folder, file } = await ruleFile(t);
  const tests = join(folder, 'tests.yaml');
  await writeFile(tests, (await readFile(RULE_TESTS, 'utf8')).replace('RULES', file));
  const { code, output } = await promtool(['test', 'rules', tests]);
  assert.equal(code, 0, output);
});

test('no alert is left without a test of its begin and of its end', async () => {
  const { tests } = load(await readFile(RULE_TESTS, 'utf8')) as any;
  const checks = tests.flatMap(({ alert_rule_test }: any) => alert_rule_test);
  for (const { alert } of rules) {
    const fired = checks
      .filter(({ alertname }: any) => alertname === alert)
      .map(({ exp_alerts }: any) => exp_alerts.length > 0);
    assert.ok(fired.includes(true), `${alert} never fires`);
    assert.equal(fired.at(-1), false, `${alert} never ends`);
    assert.equal(fired[0] === false || alert === 'VSecMAgentAbsent', true, `${alert} fires from the start`);
  }
});

test('each alert says how grave it is, what happened, and where to read on', async () => {
  const runbook = await readFile(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
  const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  for (const { alert, labels, annotations } of rules) {
    assert.match(labels['severity'] ?? '', /^(warning|critical)$/, alert);
    assert.ok(annotations['summary'] && annotations['description'], alert);
    assert.equal(annotations['runbook_url'], `docs/runbook.md#${alert.toLowerCase()}`);
    assert.ok(sections.includes(alert), `docs/runbook.md says nothing about ${alert}`);
  }
  assert.deepEqual(
    sections,
    rules.map(({ alert }) => alert),
    'sections of docs/runbook.md',
  );
});

test('alerts and dashboard ask for series and labels that exist, and for every metric of the agent', async () => {
  const known = await series();
  assert.deepEqual(unknownIn('vsecm_agent_nothing', known), ['vsecm_agent_nothing']);
  assert.deepEqual(unknownIn('sum by (x) (up{y="1"})', known), ['up{y}', 'by (x)']);
  for (const { alert, expr } of rules) assert.deepEqual(unknownIn(expr, known), [], alert);
  const queries = await dashboardQueries();
  for (const { title, expr } of queries) assert.deepEqual(unknownIn(expr, known), [], title);
  const text = [...queries, ...rules].map(({ expr }) => expr).join('\n');
  const unused = [...known.keys()].filter((name) => name.startsWith('vsecm_agent_') && !text.includes(name));
  assert.deepEqual(unused, [
    // Shown by what follows from it.
    'vsecm_agent_identity_updates_total',
    'vsecm_agent_safe_request_duration_seconds_sum',
    'vsecm_agent_safe_request_duration_seconds_count',
    'vsecm_agent_safe_answer_age_seconds',
  ]);
});

test('Prometheus can parse each query of the dashboard', { skip: noPromtool }, async (t) => {
  const { folder } = await ruleFile(t);
  const file = join(folder, 'queries.yaml');
  const queries = (await dashboardQueries()).map(({ expr }, index) => ({
    record: `q:${index}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$node', '.*'),
  }));
  await writeFile(file, dump({ groups: [{ name: 'dashboard', rules: queries }] }));
  const { code, output } = await promtool(['check', 'rules', file]);
  assert.equal(code, 0, output);
});

test('metrics have prefix, help and unit, and no label that could grow without end', async () => {
  const { registry } = createMetrics();
  const labels = new Set<string>();
  for (const { name, help, type } of await registry.getMetricsAsJSON()) {
    if (!/^(process|nodejs)_/.test(name)) assert.match(name, /^vsecm_agent_[a-z_]+$/);
    assert.ok(help.length > 15, name);
    assert.equal(name.endsWith('_total'), String(type) === 'counter', name);
    const { labelNames = [] } = registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    for (const label of labelNames) labels.add(label);
  }
  const bounded = [
    'code',
    'direction',
    'interval',
    'method',
    'reason',
    'resource',
    'result',
    'role',
    'stage',
    'state',
    'status',
    'url',
  ];
  assert.deepEqual([...labels].toSorted(), bounded);
});

test('what a running agent answers to Prometheus passes its linter', { skip: noPromtool }, async () => {
  await using scene = await Scene.start();
  await scene.stage.namespace('shop');
  await scene.register('db', credentials(), ['shop']);
  const ref = (path: string) => ({ data: [{ key: 'p', ref: path }] });
  await scene.apply(
    [vss('fine', ref('db.cocaCola.data.password')), vss('broken', ref('db.nothing'))],
    'shop',
  );
  await scene.vss('shop', 'fine');
  await scene.vss('shop', 'broken', failsWith('RefNotFound'));
  await scene.stage.safe.stop();
  const failed = scene.agent.log.when(({ code }) => code === 'SafeUnreachable');
  await scene.patch('/apis/vsecm.com/v1alpha1/namespaces/shop/vsecmsecrets/fine', {
    metadata: { annotations: { 'vsecm.com/refresh': 'now' } },
  });
  await failed;
  const response = await fetch(`http://127.0.0.1:${await scene.agent.port()}/metrics`);
  const metrics = await response.text();
  const { code, output } = await promtool(['check', 'metrics'], metrics);
  assert.equal(code, 0, output);
  for (const line of [
    /^vsecm_agent_safe_failing_since_timestamp_seconds\{url="https:[^"]+",stage="connect",code="SafeUnreachable"\} 1\d{9}/m,
    /^vsecm_agent_failing_resources\{stage="resolve",code="RefNotFound"\} 1$/m,
    /^vsecm_agent_safe_secrets\{url="[^"]+"\} 2$/m,
    /^vsecm_agent_refresh_group_resources\{interval="1h"\} 2$/m,
    /^vsecm_agent_role\{role="owner"\} 1$/m,
  ])
    assert.match(metrics, line);
});
