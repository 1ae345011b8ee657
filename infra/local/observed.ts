/**
 * `npm run start:observed`: the platform, and a Prometheus that scrapes it with our rules. Prometheus has to be installed
 * (Debian: `apt-get install prometheus`); Grafana is whoever's own, and gets the dashboards by their files.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { prepareDataDir } from '../../shared/process/data-dir.ts';
import { placeAt } from '../../shared/system/listening.ts';
import { takesNoArguments } from './arguments.ts';
import { ROOT } from './boot.mjs';
import { stopsBySignal } from './stopping.ts';
import { table } from './table.ts';

const PORT = Number(process.env.PERFECT21_PROMETHEUS_PORT ?? 9090);

/** What is at the other end of a port of this machine: somebody, or nobody. */
const taken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });

const ended = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));

/** Starts Prometheus on this machine alone. @throws StartError that says what is missing */
const startPrometheus = async (folder: string, target: string): Promise<ChildProcess> => {
  if (spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).error)
    throw new StartError('Prometheus is not installed: "apt-get install prometheus", or "npm start" without it');
  if (await taken(PORT)) throw new StartError(`port ${PORT} is taken: set PERFECT21_PROMETHEUS_PORT to another`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'prometheus.yml');
  const config = {
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: [join(ROOT, 'infra/prometheus/rules.yml')],
    scrape_configs: [{ job_name: 'perfect21', static_configs: [{ targets: [target] }] }],
  };
  writeFileSync(file, stringify(config));
  const where = [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`];
  const how = [`--web.listen-address=127.0.0.1:${PORT}`, '--enable-feature=exemplar-storage', '--log.level=warn'];
  // a group of its own: Ctrl-C ends it after the platform, whose last numbers it still takes
  return spawn('prometheus', [...where, ...how], { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
};

takesNoArguments('npm run start:observed', 'starts the whole platform and a Prometheus beside it');
try {
  const { env, data_dir: dataDir } = loadConfig(process.env);
  prepareDataDir(dataDir);
  const target = placeAt(env.PERFECT21_METRICS_HOST, env.PERFECT21_METRICS_PORT);
  const prometheus = await startPrometheus(join(dataDir, 'prometheus'), target);
  const platform = spawn('npm', ['start', '--silent'], { cwd: ROOT, stdio: 'inherit', detached: true });
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const child of [platform, prometheus]) {
      const over = ended(child);
      if (child.exitCode !== null || child.signalCode !== null || !child.kill('SIGTERM')) continue;
      await over;
    }
  };
  const end = stopsBySignal(stop);
  const rows = [
    ['Prometheus', `http://localhost:${PORT}/alerts`],
    ['dashboards', `Grafana: a data source http://localhost:${PORT}, then import each of infra/grafana/*.json`],
  ] as const;
  process.stdout.write(`\n${table(rows)}\n`);
  const code = await Promise.race([ended(platform), ended(prometheus)]);
  // one of them ended by itself: the other one alone is not what was asked for
  if (!stopping) await end(code);
} catch (thrown) {
  if (!(thrown instanceof StartError)) throw thrown;
  process.stderr.write(`perfect21 can't start: ${thrown.message}\n`);
  process.exit(1);
}
