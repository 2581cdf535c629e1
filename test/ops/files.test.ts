import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMetrics } from '../../src/admin/metrics.ts';
import { environmentSchema, projectFolder } from '../../src/configuration.ts';
import { alertsFile, hasPromtool, promtool, readRules, typesIn } from './promtool.ts';

// The files in ops/ match the product: metrics, alerts, ports.

const read = (file: string) => readFileSync(join(projectFolder, file), 'utf8');

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; type: string; definition?: string }[] };
}
const dashboard = JSON.parse(read('ops/grafana/vanguard.json')) as Dashboard;
const { panels } = dashboard;
const rules = (await readRules()).groups.flatMap((group) => group.rules);

/** Every metric name that a process of the product may export. */
async function exposedNames(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const part of ['server', 'worker'] as const) {
    for (const [name, type] of typesIn(await createMetrics(part).read())) {
      names.add(name);
      if (type === 'histogram')
        for (const suffix of ['bucket', 'sum', 'count']) names.add(`${name}_${suffix}`);
    }
  }
  return names;
}
const names = await exposedNames();

/** The metrics of an expression: words that are no function, operator or label, and not in a string. */
function metricsOf(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)]
    .map(([word]) => word)
    .filter((word) => !['and', 'or', 'unless', 'bool', 'offset'].includes(word));
}
/** `up` is Prometheus's own. */
const unknown = (exprs: string[]) =>
  exprs.flatMap(metricsOf).filter((name) => name !== 'up' && !names.has(name));
const panelExprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

test('rules and dashboard read only existing metrics', () => {
  expect(unknown(rules.map(({ expr }) => expr))).toEqual([]);
  expect(unknown(panelExprs)).toEqual([]);
  expect(panelExprs.length).toBeGreaterThan(20);
});

test('an unknown name would be found, wherever it is', () => {
  for (const wrong of [
    'vanguard_nothing > 1',
    'max by (vanguard_workers) (other_metric{part="server"}) == 0',
    'rate(vanguard_pems_request_total[5m])',
    'vanguard_workers > 0 and on (organization) vanguard_nothing',
    'vanguard_pool_size_bucket',
  ])
    expect(unknown([wrong])).toHaveLength(1);
  expect(unknown(['sum by (le) (rate(vanguard_http_request_duration_seconds_bucket{x="y"}[5m]))'])).toEqual(
    [],
  );
});

describe('alarms', () => {
  test('each has a name of the product, a severity and a sentence', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Vanguard[A-Z]/);
      expect(labels.severity).toMatch(/^(critical|warning)$/);
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.runbook).toBe('docs/how-to/monitor.md#alerts');
    }
  });

  test('docs/how-to/monitor.md explains each alert and its remedy, and no other', () => {
    const page = read('docs/how-to/monitor.md');
    const documented = [...page.matchAll(/^\| `(Vanguard\w+)` \| [^|]+ \| [^|]+ \|$/gm)].map(
      ([, name]) => name,
    );
    expect(documented).toEqual(rules.map(({ alert }) => alert));
    expect(page).toContain('## Alerts');
  });

  test('Prometheus scrapes the right ports', () => {
    const config = parse(read('ops/prometheus/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    expect(config.rule_files).toEqual(['alerts.yml']);
    const [server, worker] = config.scrape_configs;
    expect(server).toMatchObject({ job_name: 'vanguard' });
    expect(server?.static_configs[0]?.targets).toEqual([
      `127.0.0.1:${environmentSchema.parse({}).ADMIN_PORT}`,
    ]);
    expect(worker).toMatchObject({ job_name: 'vanguard-worker' });
    expect(worker?.static_configs[0]?.targets).toEqual(['127.0.0.1:9465']);
    expect(read('.env.example')).toContain('e.g. to 9465');
  });
});

describe('the dashboard', () => {
  test('has everything that an import needs', () => {
    expect(dashboard).toMatchObject({ uid: 'pfa-vanguard', title: 'PFA Vanguard' });
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'organization']);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, targets = [] } of panels) {
      expect(title).not.toBe('');
      expect(targets.length > 0).toBe(type !== 'row');
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const { datasource } of targets) expect(datasource.uid).toBe('${datasource}');
    }
  });

  test('has no overlapping panels', () => {
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
    }
  });
});

describe.skipIf(!hasPromtool)('checked by Prometheus (promtool)', () => {
  test('rules and configuration are valid', async () => {
    expect(await promtool('check', 'rules', alertsFile)).toMatchObject({ ok: true });
    const config = join(projectFolder, 'ops/prometheus/prometheus.yml');
    expect(await promtool('check', 'config', config)).toMatchObject({ ok: true });
  });

  test('each expression of the dashboard is valid', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vanguard-dashboard-'));
    try {
      const judge = async (exprs: string[]) => {
        const file = join(folder, 'rules.yml');
        const recorded = exprs.map((expr, n) => ({
          record: `panel_${n}`,
          expr: expr.replaceAll('$__rate_interval', '5m'),
        }));
        await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
        return promtool('check', 'rules', file);
      };
      expect(await judge(panelExprs)).toEqual({ ok: true, output: expect.any(String) as string });
      expect(await judge(['sum by (state) vanguard_push_changes)'])).toMatchObject({ ok: false });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
