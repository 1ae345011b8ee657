/** Packages of another release of Debian, unpacked into a folder of their own: nothing is installed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** It goes with `node_modules`. */
export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** @throws Error with one line when it fails: what cannot be had, and why */
export const runOrSay = (what: string, command: string, ...values: string[]): void => {
  const { status, stderr } = spawnSync(command, values, { cwd: '/tmp', encoding: 'utf8' });
  if (status !== 0) throw new Error(`${what} cannot be had: ${stderr?.trim().split('\n').at(-1) ?? command}`);
};

/** Where apt fetches Debian's packages from on this machine. */
const mirror = (what: string): string => {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  for (const file of files.filter((name) => existsSync(name) && /\.(list|sources)$/.test(name))) {
    const found = /^(?:URIs:|deb(?: \[.*?\])?)\s+(\S+\/debian)\/?(?:\s|$)/m.exec(readFileSync(file, 'utf8'));
    if (found) return found[1]!;
  }
  throw new Error(`${what} cannot be had: apt names no mirror of Debian`);
};

/**
 * Fetches packages with all that they need, and makes the folder of them.
 *
 * @param what how messages call them
 * @param root the folder; whoever makes it first wins
 * @throws Error with one line that says why they cannot be had
 */
export const unpackSuite = (
  what: string,
  {
    suite,
    packages,
    root,
    alone = false,
  }: { suite: string; packages: readonly string[]; root: string; alone?: boolean },
): void => {
  const apt = join(CACHE, `apt-${suite}-${process.pid}`);
  const unpacked = join(apt, 'root');
  const run = (command: string, ...values: string[]): void => runOrSay(what, command, ...values);
  try {
    for (const name of ['state/lists/partial', 'cache/archives/partial', 'root'])
      mkdirSync(join(apt, name), { recursive: true });
    const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
    writeFileSync(join(apt, 'sources.list'), `deb ${signed} ${mirror(what)} ${suite} main\n`);
    writeFileSync(join(apt, 'status'), '');
    const options = [
      ...[`Dir::State=${apt}/state`, `Dir::State::status=${apt}/status`, `Dir::Cache=${apt}/cache`],
      ...[`Dir::Etc::sourcelist=${apt}/sources.list`, 'Dir::Etc::sourceparts=/dev/null', 'APT::Sandbox::User=root'],
    ].flatMap((option) => ['-o', option]);
    run('apt-get', ...options, '-qq', 'update');
    const archives = join(apt, 'cache/archives');
    if (alone) {
      const { status, stderr } = spawnSync('apt-get', [...options, '-qq', 'download', ...packages], {
        cwd: archives,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${what} cannot be had: ${stderr.trim().split('\n').at(-1)}`);
    } else {
      run('apt-get', ...options, '-qq', 'install', '-y', '--download-only', '--no-install-recommends', ...packages);
    }
    for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb')))
      run('dpkg-deb', '-x', join(archives, name), unpacked);
    if (!alone)
      for (const name of ['passwd', 'group', 'hosts', 'nsswitch.conf'])
        run('cp', join('/etc', name), join(unpacked, 'etc'));
    if (!existsSync(root)) renameSync(unpacked, root);
  } finally {
    rmSync(apt, { recursive: true, force: true });
  }
};
