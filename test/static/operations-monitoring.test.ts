import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics/metrics.ts';

const FOLDER = 'examples/monitoring';
const metrics = createMetrics({ version: '0.0.0', role: 'all' });
afterAll(metrics.stop);
const families = await metrics.registry.getMetricsAsJSON();
const labels = labelsByName();
const docs = readFileSync('docs/operations.md', 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}
const rules: Rule[] = parse(read('alerts.yml')).groups.flatMap(({ rules }: { rules: Rule[] }) => rules);

interface Panel {
  title: string;
  datasource: { uid: string };
  targets: { expr: string; legendFormat: string }[];
}
const dashboard: { panels: Panel[] } = JSON.parse(read('grafana/dashboards/darkroom.json'));
const shown = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

describe('what is asked of Prometheus is what the service tells', () => {
  test.each([
    ...rules.map(({ alert, expr }) => [`alert ${alert}`, expr]),
    ...shown.map(({ title, expr }) => [`panel ${title}`, expr]),
  ])('%s asks in valid PromQL for metrics and labels that there are', (_, expr = '') => {
    const { isValid, selectors } = readQuery(expr);
    expect(isValid, expr).toBe(true);
    expect(selectors.length).toBeGreaterThan(0);
    for (const { name, asked } of selectors) {
      expect(labels.has(name), name).toBe(true);
      expect(asked.filter((label) => !labels.get(name)?.has(label))).toEqual([]);
    }
  });

  test('every family is shown or alarms', () => {
    const used = new Set([...rules, ...shown].flatMap(({ expr }) => readQuery(expr).selectors.map(({ name }) => name)));
    const unused = families.filter(
      ({ name }) => ![name, `${name}_bucket`, `${name}_count`].some((each) => used.has(each)),
    );
    expect(unused.map(({ name }) => name)).toEqual([]);
  });
});

test('there are at most 20 families, each with its words', () => {
  expect(families.length).toBeLessThanOrEqual(20);
  for (const { name, help } of families) expect(help.length, name).toBeGreaterThan(20);
});

test('docs/operations.md lists every metric with its labels, and no other', () => {
  const rows = [...docs.matchAll(/^\| `(\w+)` \|([^|]*)\|/gm)].filter(([, name]) =>
    /^(darkroom|process)_/.test(name ?? ''),
  );
  const listed = rows.map(([, name, cell = '']) => [name, [...cell.matchAll(/`(\w+)`/g)].map(([, label]) => label)]);
  const known = families.map(({ name }) => [name, [...own(name)]]);
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(known));
});

describe('each alert tells what to do', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s has its words and its runbook', (alert, rule) => {
    expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook']);
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    expect(rule.annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(docs).toMatch(new RegExp(`^#+ ${alert}$`, 'm'));
  });

  test('and no runbook is left of an alert that is gone', () => {
    const headings = [...docs.matchAll(/^### (Darkroom\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(rules.map(({ alert }) => alert));
  });
});

test('Prometheus and Grafana find each other, the rules, the dashboard and the service', () => {
  const prometheus = parse(read('prometheus.yml'));
  const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true });
  const [job] = prometheus.scrape_configs;
  expect([job.job_name, job.dns_sd_configs[0].port]).toEqual(['darkroom', 4000]);
  expect(job.dns_sd_configs[0].names.filter((name: string) => !(name in compose.services))).toEqual([]);
  expect(compose.services.prometheus.entrypoint.at(-1)).toContain(`> ${job.authorization.credentials_file} `);
  expect(prometheus.rule_files.filter((file: string) => !existsSync(join(FOLDER, file)))).toEqual([]);
  const [source] = parse(read('grafana/provisioning/datasources/prometheus.yml')).datasources;
  expect(new Set(dashboard.panels.map(({ datasource }) => datasource.uid))).toEqual(new Set([source.uid]));
  expect(source.url).toBe('http://prometheus:9090');
  const [provider] = parse(read('grafana/provisioning/dashboards/darkroom.yml')).providers;
  const mounted = compose.services.grafana.volumes.map((volume: string) => volume.split(':')[1]);
  expect(mounted).toContain(provider.options.path);
});

function read(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

/** The labels of each name that a query may use; Prometheus itself adds where a value comes from. */
function labelsByName(): Map<string, Set<string>> {
  const known = new Map([['up', new Set(['job', 'instance'])]]);
  for (const { name, type } of families) {
    const common = [...own(name), 'job', 'instance'];
    if (String(type) !== 'histogram') known.set(name, new Set(common));
    else {
      for (const part of ['count', 'sum']) known.set(`${name}_${part}`, new Set(common));
      known.set(`${name}_bucket`, new Set([...common, 'le']));
    }
  }
  return known;
}

function own(name: string): readonly string[] {
  const metric = metrics.registry.getSingleMetric(name);
  return metric && 'labelNames' in metric ? (metric.labelNames as string[]) : [];
}

interface Query {
  isValid: boolean;
  /** Each name, and the labels that are asked of it or that it is grouped by. */
  selectors: { name: string; asked: string[] }[];
}

function readQuery(expr: string): Query {
  const query: Query = { isValid: true, selectors: [] };
  const groupings: { label: string; over: [from: number, to: number] }[] = [];
  const places: number[] = [];
  parser.parse(expr).iterate({
    enter({ type, node, from, to }) {
      const text = expr.slice(from, to);
      if (type.isError) query.isValid = false;
      if (type.name === 'Identifier') places[query.selectors.push({ name: text, asked: [] }) - 1] = from;
      if (type.name !== 'LabelName') return;
      const aggregate = node.parent?.name === 'GroupingLabels' ? node.parent.parent?.parent : null;
      if (aggregate) groupings.push({ label: text, over: [aggregate.from, aggregate.to] });
      else query.selectors.at(-1)?.asked.push(text);
    },
  });
  for (const { label, over } of groupings) {
    const grouped = query.selectors.filter((_, i) => (places[i] ?? 0) >= over[0] && (places[i] ?? 0) < over[1]);
    for (const { asked } of grouped) asked.push(label);
  }
  return query;
}
