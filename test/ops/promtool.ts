import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { projectFolder } from '../../src/configuration.ts';

// Evaluates our alerts with promtool, Prometheus's own tool.

export const alertsFile = join(projectFolder, 'ops/prometheus/alerts.yml');

/** Whether promtool is installed. `npm test` must work without it; CI installs it. */
export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool)
  console.warn('promtool is not installed (apt-get install prometheus): what it would judge is skipped.');

export async function promtool(...args: string[]): Promise<{ ok: boolean; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)('promtool', args);
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: stdout + stderr };
  }
}

export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface RuleFile {
  groups: { name: string; rules: Rule[] }[];
}

export const readRules = async (): Promise<RuleFile> => parse(await readFile(alertsFile, 'utf8')) as RuleFile;

/** The scraped text at one moment, by target; null for a target without a response. */
export interface Scrape {
  /** Milliseconds. */
  at: number;
  targets: { job: string; instance: string; text: string | null }[];
}

/** An expected alert with its labels. */
export type Firing = { alertname: string } & Partial<Record<'organization' | 'connection' | 'task', string>>;

/** Interval of scrapes in seconds, and the number of scrapes before and after the change of state. */
const interval = 15;
const [before, after] = [80, 160];

/**
 * Whether exactly these alerts fire 40 minutes after the measured change between two scrapes: gauges keep their value,
 * counters continue at the same rate.
 */
export async function areFiring(
  rules: RuleFile,
  scrapes: [Scrape, Scrape],
  firing: Firing[],
): Promise<{ ok: boolean; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-alarms-'));
  try {
    await writeFile(join(folder, 'alerts.yml'), stringify(rules));
    await writeFile(
      join(folder, 'test.yml'),
      stringify({
        rule_files: ['alerts.yml'],
        evaluation_interval: `${interval}s`,
        tests: [
          {
            interval: `${interval}s`,
            input_series: seriesOf(...scrapes),
            promql_expr_test: [
              {
                expr: 'group by (alertname, organization, connection, task) (ALERTS{alertstate="firing"})',
                eval_time: `${(interval * (before + after)) / 60}m`,
                exp_samples: firing.map((labels) => ({
                  labels: `{${Object.entries(labels)
                    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
                    .join()}}`,
                  value: 1,
                })),
              },
            ],
          },
        ],
      }),
    );
    return await promtool('test', 'rules', join(folder, 'test.yml'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function seriesOf(first: Scrape, second: Scrape): { series: string; values: string }[] {
  const [then, now] = [samples(first), samples(second)];
  const steps = (second.at - first.at) / 1000 / interval;
  return [...new Set([...then.keys(), ...now.keys()])].map((series) => {
    const [old, fresh] = [then.get(series), now.get(series)];
    if (old?.grows && fresh) {
      const growth = Math.max(0, (fresh.value - old.value) / steps);
      return { series, values: `${number(old.value)}+${number(growth)}x${before + after}` };
    }
    return {
      series,
      values: [
        old ? `${number(old.value)}+0x${before - 1}` : `_x${before}`,
        ...(fresh ? [`${number(fresh.value)}+0x${after}`] : []),
      ].join(' '),
    };
  });
}

/** Series of the product, as Prometheus stores them after scraping, and whether each target is up. */
function samples({ targets }: Scrape): Map<string, { value: number; grows: boolean }> {
  const all = new Map<string, { value: number; grows: boolean }>();
  for (const { job, instance, text } of targets) {
    const target = `job="${job}",instance="${instance}"`;
    all.set(`up{${target}}`, { value: text === null ? 0 : 1, grows: false });
    for (const { name, labels, value, grows } of exposed(text ?? '')) {
      // No alert reads a histogram.
      if (name.startsWith('vanguard_') && !name.endsWith('_bucket'))
        all.set(`${name}{${[target, labels].filter(Boolean).join()}}`, { value, grows });
    }
  }
  return all;
}

const number = (value: number) => value.toFixed(6);

/** Parses a text for Prometheus. */
export function exposed(text: string): { name: string; labels: string; value: number; grows: boolean }[] {
  const types = typesIn(text);
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels,
    value: Number(value),
    grows:
      types.get(name) === 'counter' || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram',
  }));
}

export const typesIn = (text: string) =>
  new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type]));
