/** Images that Debian's buildah makes, in a store of a folder's own, where podman finds them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RoleName } from '../../infra/container/roles.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { debianProgram } from './debian-programs.ts';

export interface ImageStore {
  /** Where its files are. */
  readonly path: string;
  /** Runs buildah on it and gives what it printed. @throws Error with what it complained of */
  buildah(...words: string[]): string;
  /**
   * Makes an image of the last stage of a role's Containerfile.
   *
   * @param tree what the first stage leaves: the file system that `assemble` made
   * @returns the image's id
   */
  build(role: RoleName, tree: string, name?: string): string;
}

/** What says to buildah and podman which store is meant. */
export const inStore = (store: string): string[] => [
  ...['--root', store, '--runroot', `${store}.run`],
  // the driver that every file system has
  ...['--storage-driver', 'vfs'],
];

/**
 * @throws Error with one line when buildah cannot be had
 * @example const store = openImageStore(folder); store.build('sidecar', tree, 'perfect21/sidecar:0.1.0');
 */
export const openImageStore = (folder: string): ImageStore => {
  const { path, env } = debianProgram('buildah');
  const policy = join(folder, 'policy.json');
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  const store = join(folder, 'store');
  const options = [
    ...['--signature-policy', policy, '--isolation', 'chroot', '--timestamp', '0'],
    ...['--format', 'docker', '--no-cache', '--quiet'],
  ];
  const buildah = (...words: string[]): string => {
    const ran = spawnSync(path, [...inStore(store), ...words], { env, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`buildah ${words[0]}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  return {
    path: store,
    buildah,
    build: (role, tree, name) => {
      const context = join(folder, `${role}.context`);
      mkdirSync(join(context, 'nobody'), { recursive: true });
      spawnSync('cp', ['-al', tree, join(context, 'image')]);
      renameSync(join(context, 'image/data'), join(context, 'nobody/data'));
      const whole = readFileSync(join(ROOT, `infra/container/${role}.Containerfile`), 'utf8');
      const taken = whole
        .split(/^FROM .*\n/m)[2]!
        .replaceAll('--from=build ', '')
        .replaceAll(' /image/ ', ' image/ ')
        .replaceAll(' /nobody/ ', ' nobody/ ');
      const file = join(context, 'Containerfile');
      writeFileSync(file, `FROM scratch\n${taken}`);
      const named = name ? ['--tag', name] : [];
      const id = buildah('build', ...options, ...named, '-f', file, context);
      rmSync(context, { recursive: true });
      return id;
    },
  };
};
