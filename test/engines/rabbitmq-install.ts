/** Where RabbitMQ's programs are: installed already, or, on Debian as root, installed once. No service stays running. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { leanServer } from './rabbitmq-home.ts';
import { inRelease, RELEASE, unpackRelease } from './rabbitmq-release.ts';

/** Where Debian puts them. */
const PATHS = {
  'rabbitmq-server': '/usr/lib/rabbitmq/bin/rabbitmq-server',
  rabbitmqctl: '/usr/lib/rabbitmq/bin/rabbitmqctl',
  epmd: '/usr/bin/epmd',
};
const POLICY = '/usr/sbin/policy-rc.d';
const MISSING =
  'RabbitMQ is missing: run "apt-get install rabbitmq-server" (the tests start a private one of their own)';

const installed = (): boolean => existsSync(PATHS['rabbitmq-server']);

/** Debian asks this program whether a package may start its service: 101 is no. One that stands there is left alone. */
const withoutServices = (run: () => void): void => {
  if (existsSync(POLICY)) {
    run();
    return;
  }
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run();
  } finally {
    rmSync(POLICY);
  }
};

const apt = (...options: string[]): void => {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // another installation may be under way: wait for its lock instead of failing
  spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...options], { env, stdio: 'ignore' });
};

/**
 * The major release under test: `PERFECT21_TEST_RABBITMQ`, or what is installed.
 *
 * @example majorRelease() // → '3'
 */
export const majorRelease = (): string | undefined => {
  if (process.env.PERFECT21_TEST_RABBITMQ) return process.env.PERFECT21_TEST_RABBITMQ;
  const folder = '/usr/lib/rabbitmq/lib';
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => /^rabbitmq_server-(\d+)/.exec(name)?.[1]).find((major) => major !== undefined);
};

interface Installed {
  /** The command line of one of RabbitMQ's programs. */
  command(program: 'rabbitmqctl' | 'epmd', ...values: string[]): string[];
  /** That of its server, which finds in its folder these plugins and no others: those that its configuration speaks of. */
  server(folder: string, plugins: readonly string[]): string[];
}

/**
 * Makes sure that RabbitMQ is there and says how its programs are run.
 *
 * @param release `PERFECT21_TEST_RABBITMQ`: "4" is the release of Debian 13, whatever this machine has installed
 * @throws Error with one line that says what to do
 * @example const { command } = ensureRabbitmq(); spawn(...command('rabbitmqctl', 'status'));
 */
export const ensureRabbitmq = (release = process.env.PERFECT21_TEST_RABBITMQ): Installed => {
  if (release === '4') {
    unpackRelease();
    return {
      command: (program, ...values) => inRelease(PATHS[program], ...values),
      server: (folder, plugins) => inRelease(leanServer(folder, plugins, RELEASE)),
    };
  }
  if (!installed() && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    withoutServices(() => {
      const install = ['install', '-y', '--no-install-recommends', 'rabbitmq-server'];
      apt(...install);
      if (installed()) return;
      apt('update');
      apt(...install);
    });
  }
  if (!installed()) throw new Error(MISSING);
  return {
    command: (program, ...values) => [PATHS[program], ...values],
    server: (folder, plugins) => [leanServer(folder, plugins)],
  };
};
