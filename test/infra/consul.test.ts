/** What Consul is told, by a real Consul where it can be, and by the table of services. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { SERVICES } from '../../shared/config/generated/service-names.ts';
import { debianProgram } from '../engines/debian-programs.ts';
import { freePort } from '../support/free-port.ts';

const FOLDER = join(ROOT, 'infra/consul');
const read = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));

test('a real Consul takes the definitions, and knows each service by the port of its gRPC', async () => {
  const { path, env } = debianProgram('consul');
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-consul-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'agent.json'), JSON.stringify({ data_dir: folder }));
  const judged = ['validate', join(folder, 'agent.json'), join(FOLDER, 'services')];
  const { status, stdout } = spawnSync(path, judged, { env, encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringContaining('valid')]);
  const port = await freePort();
  const more = ['-dev', '-bind', '127.0.0.1', '-http-port', String(port), '-config-dir', join(FOLDER, 'services')];
  const off = ['-grpc-port', '-1', '-dns-port', '-1', '-server-port', '-serf-lan-port', '-serf-wan-port'];
  const ports = [String(await freePort()), String(await freePort()), String(await freePort())];
  const rest = [...off.slice(0, 4), ...off.slice(4).flatMap((name, n) => [name, ports[n]!])];
  const agent = spawn(path, ['agent', ...more, ...rest], { env, stdio: 'ignore' });
  onTestFinished(async () => {
    if (agent.exitCode === null && agent.kill('SIGKILL')) await once(agent, 'exit');
  });
  const known = await vi.waitFor(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/agent/services`);
      const services = (await answer.json()) as Record<string, { Service: string; Port: number }>;
      expect(Object.keys(services).length).toBeGreaterThanOrEqual(5);
      return services;
    },
    { timeout: 20_000, interval: 100 },
  );
  for (const name of Object.values(SERVICES)) {
    const { port: said } = read(`services/${name}.json`).service;
    expect(known[name]).toMatchObject({ Service: name, Port: said });
  }
  const checks = await (await fetch(`http://127.0.0.1:${port}/v1/agent/checks`)).json();
  const kinds = Object.values(checks as Record<string, { ServiceName: string; Type: string }>);
  for (const name of Object.values(SERVICES))
    expect(
      kinds
        .filter((each) => each.ServiceName === name)
        .map(({ Type }) => Type)
        .sort(),
    ).toEqual(['grpc', 'http']);
});

test('a service may be called by those whose operations call it, by the gateway, and by nobody else', () => {
  expect(readdirSync(join(FOLDER, 'intentions')).sort()).toEqual(
    Object.values(SERVICES)
      .map((name) => `${name}.json`)
      .sort(),
  );
  for (const { name } of platform) {
    const own = SERVICES[name as keyof typeof SERVICES];
    const { Kind, Name, Sources } = read(`intentions/${own}.json`);
    expect([Kind, Name]).toEqual(['service-intentions', own]);
    const callers = platform.filter(
      (other) =>
        other.name !== name &&
        other.operations.some(({ calls }) => Object.values(calls).some((callee) => callee.name.startsWith(`${name}.`))),
    );
    const allowed = Sources.filter(({ Action }: any) => Action === 'allow').map((each: any) => each.Name);
    expect(allowed.sort()).toEqual(
      ['gateway', ...callers.map((each) => SERVICES[each.name as keyof typeof SERVICES])].sort(),
    );
    expect(Sources.at(-1)).toMatchObject({ Name: '*', Action: 'deny' });
  }
});
