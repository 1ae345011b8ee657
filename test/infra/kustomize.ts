/** What `kubectl apply -k` would send. */
import { spawnSync } from 'node:child_process';
import { ROOT } from '../../infra/generate/files.ts';
import { debianProgram } from '../engines/debian-programs.ts';
import { type Manifest, manifestsIn } from './manifests.ts';

/** @throws Error with what kustomize says */
export const kustomize = (place: string): Manifest[] => {
  const { path, env } = debianProgram('kubectl');
  const { status, stdout, stderr } = spawnSync(path, ['kustomize', place], { cwd: ROOT, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return manifestsIn(stdout);
};
