/** Programs of Debian, unpacked beside the system: nothing is installed, and they go with `node_modules`. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, unpackSuite } from './debian-suite.ts';

interface Program {
  path: string;
  packages: readonly string[];
  /** Another release of Debian than the system's: what comes from there may need nothing that the system lacks. */
  suite?: string;
  /** With all that it needs and this machine lacks. */
  whole?: boolean;
}

/** Together, as half of the work is reading what that release has. */
const TRIXIE = { packages: ['kubectl', 'docker-compose'], suite: 'trixie' } as const;

/** Where each stands, and in which packages it and what it needs come that not every machine has. */
const PROGRAMS = {
  nginx: { path: 'usr/sbin/nginx', packages: ['nginx'] },
  caddy: { path: 'usr/bin/caddy', packages: ['caddy'] },
  haproxy: {
    path: 'usr/sbin/haproxy',
    packages: ['haproxy', 'liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1'],
  },
  pgbouncer: { path: 'usr/sbin/pgbouncer', packages: ['pgbouncer', 'libc-ares2', 'libevent-2.1-7'] },
  promtool: { path: 'usr/bin/promtool', packages: ['prometheus'] },
  prometheus: { path: 'usr/bin/prometheus', packages: ['prometheus'] },
  // what it needs and this machine lacks is known to apt alone; without a font Chinese is boxes
  chromium: { path: 'usr/lib/chromium/chromium', packages: ['chromium', 'fonts-wqy-microhei'], whole: true },
  h2load: {
    path: 'usr/bin/h2load',
    packages: ['nghttp2-client', 'libev4', 'libjansson4', 'libjemalloc2', 'libnghttp2-14', 'libxml2', 'libicu72'],
  },
  // it asks apt for what this machine lacks
  buildah: { path: 'usr/bin/buildah', packages: ['buildah'], whole: true },
  // with what it runs containers by, also where the system has it
  podman: { path: 'usr/bin/podman', packages: ['podman', 'conmon', 'runc', 'catatonit'], whole: true },
  // the last release under the MPL
  consul: { path: 'usr/bin/consul', packages: ['consul'], suite: 'bullseye' },
  kubectl: { path: 'usr/bin/kubectl', ...TRIXIE },
  'docker-compose': { path: 'usr/libexec/docker/cli-plugins/docker-compose', ...TRIXIE },
} as const satisfies Record<string, Program>;
export type DebianProgram = keyof typeof PROGRAMS;

const run = (name: string, cwd: string, command: string, ...values: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, values, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} cannot be had: ${stderr?.trim().split('\n').at(-1) ?? command}`);
  return stdout;
};

/** The packages and all that they need which this machine does not have. */
const withNeeds = (name: string, packages: readonly string[]): string[] => {
  const plan = run(name, '/', 'apt-get', '-s', 'install', '-y', '--no-install-recommends', ...packages);
  return [...plan.matchAll(/^Inst (\S+)/gm)].map(([, each]) => each!);
};

/**
 * Fetches and unpacks a program, once.
 *
 * @returns its path, and the environment that it finds its libraries by
 * @throws Error with one line that says why it cannot be had
 */
export const debianProgram = (name: DebianProgram): { path: string; env: NodeJS.ProcessEnv } => {
  const { path, packages, suite, whole }: Program = PROGRAMS[name];
  // several programs of one package, or of one release, are there once
  const root = join(CACHE, `debian-${suite ?? packages[0]}`);
  if (!existsSync(root) && suite) unpackSuite(name, { suite, packages, root, alone: true });
  if (!existsSync(root)) {
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, `${name}-`));
    try {
      // itself also where the system has it
      const wanted = whole ? [...new Set([...packages, ...withNeeds(name, packages)])] : packages;
      run(name, folder, 'apt-get', '-qq', '-o', 'APT::Sandbox::User=root', 'download', ...wanted);
      for (const file of readdirSync(folder).filter((each) => each.endsWith('.deb')))
        run(name, folder, 'dpkg-deb', '-x', file, 'root');
      // somebody else may have been quicker
      if (!existsSync(root)) renameSync(join(folder, 'root'), root);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const libraries = join(root, 'usr/lib', process.arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu');
  return { path: join(root, path), env: { ...process.env, LD_LIBRARY_PATH: libraries } };
};
