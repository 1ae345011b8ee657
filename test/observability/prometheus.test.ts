/** A real Prometheus scrapes a running platform, and each expression of a dashboard or an alert finds what it looks for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { sendNotification } from '../../functions/notifications/send-notification.ts';
import { listRoles } from '../../functions/permissions/list-roles.ts';
import { listSessions } from '../../functions/sessions/list-sessions.ts';
import { DASHBOARDS } from '../../infra/observability/dashboards/index.ts';
import { metricsIn } from '../../infra/observability/expressions.ts';
import { GROUPS, isAlert } from '../../infra/observability/rules.ts';
import { hear, socketUrl, ticketOf } from '../doors/websocket/listener.ts';
import { grpcDoor } from '../e2e/doors/grpc.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, userWithSession } from '../e2e/world.ts';
import { debianProgram } from '../engines/debian-programs.ts';
import { type Collector, startCollector } from '../engines/otlp.ts';
import { freePort } from '../support/free-port.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

/** What a platform without a broker, a registry or a sidecar does not have. */
const ELSEWHERE = /^perfect21_(bus_|discovery_|bridge_|revocation|breakers_|messages_refused|event_publish)/;

let platform: TestPlatform;
let collector: Collector;
let url: string;
let stop: () => Promise<unknown>;
const folder = mkdtempSync(join(tmpdir(), 'perfect21-prometheus-'));

/** Something of everything that is counted. */
const live = async (): Promise<void> => {
  const door = grpcDoor(platform.grpc.port, http1Door(platform.http.url));
  const world = worldOf(platform, http1Door(platform.http.url));
  const { user_id, access_token } = await userWithSession(world);
  await expectOk(door.call(validateToken, { token: access_token }, { token: world.service_token }));
  await expectOk(world.call(validateToken, { token: access_token }));
  const tab = hear(socketUrl(platform.http.url, { ticket: await ticketOf(world, access_token) }));
  await tab.frame('hello');
  const message = { user_id, channels: ['realtime'], category: 'account', template_name: 'notice' };
  const input = { ...message, template_data: { title: 'a', text: 'b' } };
  await expectOk(world.call(sendNotification, input, { token: world.service_token }));
  await tab.frame('notification');
  tab.socket.close();
  await tab.closed;
  await fetch(`${platform.http.url}/api/v1/users/me`);
  const headers = { authorization: `Bearer ${world.service_token}` };
  await (await fetch(`${platform.http.url}/api/v1/users/export`, { headers })).text();
  await expectOk(world.call(listRoles, {}, { token: world.service_token }));
  await expectOk(world.call(listSessions, {}, { token: access_token }));
  door.close();
};

/** Resolves when it is so. */
const comes = async (holds: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 30_000; !(await holds()); ) {
    if (Date.now() > end) throw new Error('Prometheus did not come up');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

beforeAll(async () => {
  collector = await startCollector();
  platform = await testPlatform({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  const port = await freePort();
  const config = {
    global: { scrape_interval: '200ms', evaluation_interval: '200ms' },
    rule_files: [join(import.meta.dirname, '../../infra/prometheus/rules.yml')],
    scrape_configs: [
      {
        job_name: 'perfect21',
        scrape_timeout: '200ms',
        static_configs: [{ targets: [`127.0.0.1:${platform.metrics.port}`] }],
      },
    ],
  };
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
  const { path, env } = debianProgram('prometheus');
  url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${folder}/data`,
    '--enable-feature=exemplar-storage',
  ];
  const child = spawn(path, [...args, `--web.listen-address=127.0.0.1:${port}`], { env, cwd: folder, stdio: 'ignore' });
  stop = () => {
    child.kill('SIGKILL');
    return once(child, 'exit');
  };
  await comes(() =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  // a rate needs a series before it rises
  await live();
  await comes(async () => (await ask('up{job="perfect21"} == 1')).length === 1);
  await live();
}, 180_000);
afterAll(async () => {
  await stop?.();
  await platform?.close();
  await collector?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The series that an expression gives. @throws Error with what Prometheus says of it */
const ask = async (expression: string): Promise<{ value: [number, string] }[]> => {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: expression }),
  });
  const { status, error, data } = (await response.json()) as { status: string; error?: string; data: { result: [] } };
  if (status !== 'success') throw new Error(`${expression}: ${error}`);
  return data.result;
};

const isElsewhere = (expression: string): boolean =>
  ELSEWHERE.test(expression) || metricsIn(expression).some((name) => ELSEWHERE.test(name));

const charts = Object.entries(DASHBOARDS).flatMap(([name, { panels = [] }]) =>
  panels.flatMap(({ title, ...panel }) =>
    ('targets' in panel ? ((panel.targets ?? []) as { expr: string }[]) : []).map(
      ({ expr }) => [name, title ?? '', expr] as const,
    ),
  ),
);

test('each chart of each dashboard shows something', async () => {
  const left = new Map(
    charts.filter(([, , expr]) => !isElsewhere(expr)).map(([name, title, expr]) => [expr, `${name}: ${title}`]),
  );
  expect(left.size).toBeGreaterThan(40);
  await expect
    .poll(
      async () => {
        for (const expr of [...left.keys()]) if ((await ask(expr)).length > 0) left.delete(expr);
        return [...left.values()];
      },
      { timeout: 60_000, interval: 1_000 },
    )
    .toEqual([]);
}, 90_000);

test('Prometheus understands what is elsewhere, too, and each alert, none of which fires of a platform that is well', async () => {
  for (const [, , expr] of charts.filter(([, , each]) => isElsewhere(each))) await ask(expr);
  for (const rule of GROUPS.flatMap(({ rules }) => rules).filter(isAlert)) await ask(rule.expr);
  const { data } = (await (await fetch(`${url}/api/v1/alerts`)).json()) as {
    data: { alerts: { labels: object; state: string }[] };
  };
  expect(data.alerts.filter(({ state }) => state === 'firing')).toEqual([]);
});

test('a bucket of a latency leads to a trace that is recorded', async () => {
  const exemplars = async (name: string): Promise<{ labels: { trace_id: string } }[]> => {
    const query = new URLSearchParams({ query: name, start: '0', end: String(Date.now() / 1_000 + 60) });
    const { data } = (await (await fetch(`${url}/api/v1/query_exemplars?${query}`)).json()) as {
      data: { exemplars: { labels: { trace_id: string } }[] }[];
    };
    return data.flatMap((each) => each.exemplars);
  };
  for (const name of ['perfect21_request_duration_seconds_bucket', 'perfect21_operation_seconds_bucket'])
    await expect.poll(async () => (await exemplars(name))[0]?.labels.trace_id).toMatch(/^[0-9a-f]{32}$/);
});
