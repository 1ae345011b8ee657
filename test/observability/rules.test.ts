/** promtool judges the rules: that they are some, and what they say of series that are made up. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { GROUPS, isAlert } from '../../infra/observability/rules.ts';
import { debianProgram } from '../engines/debian-programs.ts';

const RULES = join(import.meta.dirname, '../../infra/prometheus/rules.yml');
let folder: string;
let promtool: (...args: string[]) => { status: number | null; said: string };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perfect21-rules-'));
  const { path, env } = debianProgram('promtool');
  promtool = (...args) => {
    const { status, stdout, stderr } = spawnSync(path, args, { env, encoding: 'utf8' });
    return { status, said: `${stdout}${stderr}` };
  };
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  name: string;
  series: Record<string, string>;
  /** Alerts that fire at a time, by name and labels. */
  at: string;
  alert: string;
  fires: Record<string, string>[];
}

const requests = (status: string, values: string) => ({
  [`perfect21_requests_total{service="auth-service",method="POST",endpoint="/api/v1/auth/login",status="${status}"}`]:
    values,
});

const CASES: Case[] = [
  {
    name: 'a tenth of the requests that fails uses up the month quickly: somebody is woken',
    series: { ...requests('200', '0+90x120'), ...requests('503', '0+10x120') },
    at: '100m',
    alert: 'Perfect21ErrorBudgetBurnsFast',
    fires: [{ severity: 'page', link: 'rest' }],
  },
  {
    name: 'what fails within the promise wakes nobody',
    series: { ...requests('200', '0+99999x120'), ...requests('503', '0+1x120') },
    at: '100m',
    alert: 'Perfect21ErrorBudgetBurnsFast',
    fires: [],
  },
  {
    name: 'a refusal is no failure',
    series: { ...requests('401', '0+100x120') },
    at: '100m',
    alert: 'Perfect21ErrorBudgetBurnsFast',
    fires: [],
  },
  {
    name: 'events that wait in the outbox',
    series: { 'perfect21_queue_oldest_age_seconds{queue="outbox"}': '60x20' },
    at: '10m',
    alert: 'Perfect21OutboxWaits',
    fires: [{ severity: 'page', queue: 'outbox' }],
  },
  {
    name: 'an instance that is gone',
    series: { 'up{job="perfect21",instance="a:8000"}': '0x20' },
    at: '10m',
    alert: 'Perfect21InstanceDown',
    fires: [{ severity: 'page', job: 'perfect21', instance: 'a:8000' }],
  },
  {
    name: 'revocations that are not known',
    series: { perfect21_revocation_staleness_seconds: '5x20' },
    at: '10m',
    alert: 'Perfect21RevocationsStale',
    fires: [{ severity: 'page' }],
  },
  {
    name: 'guessing',
    series: {
      'perfect21_auth_events_total{event_type="login",result="failure"}': '0+600x60',
      'perfect21_auth_events_total{event_type="login",result="success"}': '0+6x60',
    },
    at: '40m',
    alert: 'Perfect21LoginsFail',
    fires: [{ severity: 'ticket' }],
  },
];

test('promtool takes the rules', () => {
  const { status, said } = promtool('check', 'rules', RULES);
  expect([status, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

test.each(CASES)('$name', ({ series, at, alert, fires }) => {
  const rules = GROUPS.flatMap(({ rules: all }) => all).filter(isAlert);
  const { annotations } = rules.find(
    (rule) => rule.alert === alert && (!fires[0]?.link || rule.labels?.link === fires[0].link),
  )!;
  // what depends on labels is filled in by Prometheus, and looked at by the alerts without
  const plain = !JSON.stringify(annotations).includes('{{');
  const tests = {
    rule_files: [RULES],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [
          {
            eval_time: at,
            alertname: alert,
            exp_alerts: fires.map((labels) => ({ exp_labels: labels, ...(plain && { exp_annotations: annotations }) })),
          },
        ],
      },
    ],
  };
  const file = join(folder, `${crypto.randomUUID()}.yml`);
  writeFileSync(file, stringify(tests));
  const { status, said } = promtool('test', 'rules', file);
  expect([status, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

test('every alert says what to do, and none has the name and labels of another', () => {
  const alerts = GROUPS.flatMap(({ rules }) => rules).filter(isAlert);
  for (const { annotations } of alerts) expect(annotations.description.length).toBeGreaterThan(30);
  const names = alerts.map(({ alert, labels }) => `${alert} ${labels?.link ?? ''}`);
  expect(names).toEqual([...new Set(names)]);
});
