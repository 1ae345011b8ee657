/**
 * RabbitMQ 4 on a Debian whose own release is older: the packages of Debian 13, unpacked into a folder of their own, which
 * their programs see as `/`. Nothing is installed; the folder goes with `node_modules`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
const ROOT = join(CACHE, 'rabbitmq-4');
const SUITE = 'trixie';
const PACKAGES = ['rabbitmq-server', 'bash', 'dash', 'coreutils', 'sed', 'grep', 'gawk'];

/** A mount namespace of its own: the folder with the machine's /tmp, /dev and /proc, and the same working directory. */
const ENTER = `mount --bind /tmp "$0/tmp" && mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" &&
exec chroot "$0" /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"`;

/** The command line that runs a program of the unpacked release. */
export const inRelease = (program: string, ...values: string[]): string[] => [
  ...['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])],
  ...['/bin/sh', '-c', ENTER, ROOT, program, ...values],
];

const run = (command: string, ...values: string[]): void => {
  const { status, stderr } = spawnSync(command, values, { cwd: '/tmp', encoding: 'utf8' });
  if (status !== 0) throw new Error(`RabbitMQ 4 cannot be had: ${stderr?.trim().split('\n').at(-1) ?? command}`);
};

/** Where apt fetches Debian's packages from on this machine. */
const mirror = (): string => {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  for (const file of files.filter((name) => existsSync(name) && /\.(list|sources)$/.test(name))) {
    const found = /^(?:URIs:|deb(?: \[.*?\])?)\s+(\S+\/debian)\/?(?:\s|$)/m.exec(readFileSync(file, 'utf8'));
    if (found) return found[1]!;
  }
  throw new Error('RabbitMQ 4 cannot be had: apt names no mirror of Debian');
};

/**
 * Fetches and unpacks the release, once, and sees that its programs run.
 *
 * @throws Error with one line that says why it cannot be had
 * @example unpackRelease(); spawn(...inRelease('rabbitmqctl', 'status'));
 */
export const unpackRelease = (): void => {
  if (!existsSync(ROOT)) fetchRelease();
  const [program = '', ...values] = inRelease('erl', '-noshell', '-eval', 'halt(0).');
  run(program, ...values);
};

const fetchRelease = (): void => {
  const apt = join(CACHE, `apt-${process.pid}`);
  const root = join(apt, 'root');
  try {
    for (const name of ['state/lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(join(apt, name), { recursive: true });
    const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
    writeFileSync(join(apt, 'sources.list'), `deb ${signed} ${mirror()} ${SUITE} main\n`);
    writeFileSync(join(apt, 'status'), '');
    const options = [
      ...[`Dir::State=${apt}/state`, `Dir::State::status=${apt}/status`, `Dir::Cache=${apt}/cache`],
      ...[`Dir::Etc::sourcelist=${apt}/sources.list`, 'Dir::Etc::sourceparts=/dev/null', 'APT::Sandbox::User=root'],
    ].flatMap((option) => ['-o', option]);
    run('apt-get', ...options, '-qq', 'update');
    run('apt-get', ...options, '-qq', 'install', '-y', '--download-only', '--no-install-recommends', ...PACKAGES);
    const archives = join(apt, 'cache/archives');
    for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb')))
      run('dpkg-deb', '-x', join(archives, name), root);
    for (const name of ['passwd', 'group', 'hosts', 'nsswitch.conf']) run('cp', join('/etc', name), join(root, 'etc'));
    renameSync(root, ROOT);
  } finally {
    rmSync(apt, { recursive: true, force: true });
  }
};

// on its own it says whether RabbitMQ 4 can be tested here
if (import.meta.main) {
  try {
    unpackRelease();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}
