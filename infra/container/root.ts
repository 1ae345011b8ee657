/** What stands in an image beside /app: Node, what it needs of a system, and nothing else. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The user of the images. */
export const NOBODY = 65_532;

/** The libraries of a program or addon, the loader among them, by the paths where they are looked for. */
const librariesOf = (program: string): string[] => {
  const { status, stdout, stderr } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ldd can't say what ${program} needs: ${stderr.trim()}`);
  return [...stdout.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path!);
};

const addonsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.node'))
    .map((name) => join(folder, name));

/** Puts them beside /app. Without libraries for a base that has glibc and libstdc++. */
export const root = (folder: string, libraries: boolean): void => {
  const node = realpathSync(process.execPath);
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(folder, to));
  };
  const text = (to: string, content: string): void => {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    writeFileSync(join(folder, to), content);
  };
  put(node, 'usr/local/bin/node');
  // mounted by whoever runs it
  for (const name of ['data', 'tmp', 'proc', 'dev', 'sys']) mkdirSync(join(folder, name), { recursive: true });
  if (!libraries) return;
  const programs = [node, ...addonsIn(join(folder, 'app'))];
  for (const path of new Set(programs.flatMap(librariesOf))) put(path, path);
  text('etc/passwd', `nobody:x:${NOBODY}:${NOBODY}:nobody:/data:/none\n`);
  text('etc/group', `nobody:x:${NOBODY}:\n`);
  text('etc/nsswitch.conf', 'hosts: files dns\n');
};
