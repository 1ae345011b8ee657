/**
 * RabbitMQ 4 on a Debian whose own release is older: the packages of Debian 13, unpacked into a folder of their own, which
 * their programs see as `/`. Nothing is installed; the folder goes with `node_modules`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, runOrSay, unpackSuite } from './debian-suite.ts';

/** What its programs see as `/`. */
export const RELEASE = join(CACHE, 'rabbitmq-4');
const PACKAGES = ['rabbitmq-server', 'bash', 'dash', 'coreutils', 'sed', 'grep', 'gawk'];

/** A mount namespace of its own: the folder with the machine's /tmp, /dev and /proc, and the same working directory. */
const ENTER = `mount --bind /tmp "$0/tmp" && mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" &&
exec chroot "$0" /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"`;

/** The command line that runs a program of the unpacked release. */
export const inRelease = (program: string, ...values: string[]): string[] => [
  ...['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])],
  ...['/bin/sh', '-c', ENTER, RELEASE, program, ...values],
];

/**
 * Fetches and unpacks the release, once, and sees that its programs run.
 *
 * @throws Error with one line that says why it cannot be had
 * @example unpackRelease(); spawn(...inRelease('rabbitmqctl', 'status'));
 */
export const unpackRelease = (): void => {
  if (!existsSync(RELEASE)) unpackSuite('RabbitMQ 4', { suite: 'trixie', packages: PACKAGES, root: RELEASE });
  const [program = '', ...values] = inRelease('erl', '-noshell', '-eval', 'halt(0).');
  runOrSay('RabbitMQ 4', program, ...values);
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
