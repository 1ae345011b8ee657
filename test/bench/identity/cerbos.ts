/** The PDP of Cerbos (https://cerbos.dev, Apache-2.0) with the same rules. It is 94 MB, so that only this measurement fetches it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/free-port.ts';
import { canPin } from '../processes.ts';
import { kindName, POLICIES, ROLES, readsOf, roleName, rolesOf, userId } from './rules.ts';

const PACKAGE = 'cerbos@0.51.0';
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/perfect21/cerbos', import.meta.url));
const BINARY = join(CACHE, 'node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64');

export const CERBOS_PATH = '/cerbos.svc.v1.CerbosService/CheckResources';

/** A field of a protobuf message. */
const field = (number: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  const size: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    size.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), bytes]);
};

interface Asked {
  user: number;
  kind: number;
  action: string;
  owner: string;
}

/** Questions about one user as CheckResourcesRequest (cerbos/request/v1/request.proto). */
export const cerbosRequest = (questions: readonly Asked[]): Buffer => {
  const { user } = questions[0]!;
  const principal = Buffer.concat([
    field(1, userId(user)),
    field(2, 'default'),
    ...[...new Set(rolesOf(user))].map((role) => field(3, roleName(role))),
  ]);
  const entries = questions.map(({ kind, action, owner }) => {
    const attribute = Buffer.concat([field(1, 'owner'), field(2, field(3, owner))]);
    const named = [field(1, kindName(kind)), field(2, 'default'), field(3, '1'), field(4, attribute)];
    return field(4, Buffer.concat([field(1, action), field(2, Buffer.concat(named))]));
  });
  return Buffer.concat([field(1, 'bench'), field(3, principal), ...entries]);
};

const policyOf = (kind: number): object => ({
  apiVersion: 'api.cerbos.dev/v1',
  resourcePolicy: {
    version: 'default',
    resource: kindName(kind),
    rules: [
      {
        actions: ['read'],
        effect: 'EFFECT_ALLOW',
        roles: Array.from({ length: ROLES }, (_, n) => n)
          .filter((n) => readsOf(n).includes(kind))
          .map(roleName),
      },
      {
        actions: ['share'],
        effect: 'EFFECT_ALLOW',
        roles: ['*'],
        condition: { match: { expr: 'R.attr.owner == P.id' } },
      },
    ],
  },
});

const installed = (): void => {
  if (existsSync(BINARY)) return;
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(join(CACHE, 'package.json'), '{"private":true}');
  const options = ['install', PACKAGE, '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', CACHE];
  const { status } = spawnSync('npm', options, { encoding: 'utf8' });
  if (status !== 0 || !existsSync(BINARY)) throw new Error(`${PACKAGE} can't be had`);
};

const answers = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  const ok = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return ok;
};

/** Starts it on the core of servers. @throws Error where it does not run */
export const startCerbos = async (folder: string): Promise<{ port: number; child: ChildProcess; stop(): void }> => {
  installed();
  const rules = join(folder, 'cerbos');
  mkdirSync(rules);
  for (let kind = 0; kind < POLICIES; kind++) {
    writeFileSync(join(rules, `${kindName(kind)}.json`), JSON.stringify(policyOf(kind)));
  }
  const [port, http] = [await freePort(), await freePort()];
  const settings = {
    server: { grpcListenAddr: `127.0.0.1:${port}`, httpListenAddr: `127.0.0.1:${http}` },
    storage: { driver: 'disk', disk: { directory: rules } },
    telemetry: { disabled: true },
  };
  const config = join(folder, 'cerbos.json');
  writeFileSync(config, JSON.stringify(settings));
  const command = [BINARY, 'server', `--config=${config}`, '--log-level=error'];
  if (canPin()) command.unshift('taskset', '-c', '0');
  const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore', env: { ...process.env, GOMAXPROCS: '1' } });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 100 || child.exitCode !== null) {
      child.kill('SIGKILL');
      throw new Error('Cerbos does not start');
    }
    await sleep(100);
  }
  return { port, child, stop: () => void child.kill('SIGKILL') };
};
