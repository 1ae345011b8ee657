/** Manifests of Kubernetes and Istio, and the schemas that come with their npm packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../../infra/generate/files.ts';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata?: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: any;
  [more: string]: unknown;
}

/** The documents of a file, from the top of the project, or of a text. */
export const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => {
    const value = document.toJS() as Manifest | null;
    return value ? [value] : [];
  });
export const manifestsOf = (...files: string[]): Manifest[] =>
  files.flatMap((file) => manifestsIn(readFileSync(join(ROOT, file), 'utf8')));

/** All manifests of a folder; kustomizations and patches left out. */
export const folderOf = (folder: string): Manifest[] =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .flatMap((name) => manifestsOf(`${folder}/${name}`));

type Model = new (data: unknown) => { validate(): void };

/**
 * Holds a manifest against the schema of its kind.
 *
 * @throws Error that says what is wrong
 */
export const validate = async (manifest: Manifest): Promise<void> => {
  const { apiVersion, kind } = manifest;
  const home = apiVersion.includes('istio.io') ? '@kubernetes-models/istio' : 'kubernetes-models';
  const models = (await import(`${home}/${apiVersion}`)) as Record<string, Model>;
  const Kind = models[kind];
  if (!Kind) throw new Error(`there is no ${kind} in ${apiVersion}`);
  new Kind(manifest).validate();
};
