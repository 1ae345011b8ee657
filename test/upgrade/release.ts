/** The programs of the release before, where this clone has its commit. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { previousRelease } from '../../infra/checks/shape.ts';
import { ROOT } from '../../infra/generate/files.ts';

export type Release = { start: string; remove(): void } | { missing: string };

const git = (...values: string[]) => spawnSync('git', values, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });

/**
 * Unpacks them into a folder of their own, with the packages of this checkout; `start` is what `npm start` runs. Where that
 * can't be, `missing` says why.
 */
export const unpackPrevious = (): Release => {
  const { version, commit } = previousRelease();
  if (git('cat-file', '-e', `${commit}^{commit}`).status !== 0)
    return { missing: `${version} (commit ${commit.slice(0, 8)}) is not in this clone: fetch its whole history` };
  // not below node_modules, where Node takes no TypeScript
  const folder = mkdtempSync(join(tmpdir(), `perfect21-${version}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const parts = ['package.json', 'functions', 'infra', 'shared', 'proto', 'bin'];
  const archive = git('archive', '--format=tar', commit, ...parts);
  const unpacked = spawnSync('tar', ['-x', '-C', folder], { input: archive.stdout });
  if (archive.status !== 0 || unpacked.status !== 0) {
    remove();
    return { missing: `${version} can't be unpacked: ${archive.stderr}${unpacked.stderr}` };
  }
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const absent = Object.keys(dependencies).filter((name) => !existsSync(join(ROOT, 'node_modules', name)));
  if (absent.length) {
    remove();
    return { missing: `${version} needs packages that this release no longer brings: ${absent.join(', ')}` };
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return { start: join(folder, 'infra/local/start.ts'), remove };
};
