/** The zips of a package, unpacked as Lambda does it: each into a folder of its own, with the SDK that the runtime brings. */
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundlesIn } from '../../infra/aws/bundles.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { PACKAGE } from '../../infra/package.ts';

export interface Unpacked {
  /** Of the handler. */
  file: string;
  /** Of what the zip holds, and of itself. */
  bytes: number;
  zip: number;
}

/** Unpacks and gives, by function, what came out. */
export const unpackAll = (folder: string, only?: ReadonlySet<string>): Map<string, Unpacked> => {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const scope of ['@aws-sdk', '@smithy', '@aws-crypto', 'tslib']) {
    symlinkSync(join(ROOT, 'node_modules', scope), join(folder, 'node_modules', scope));
  }
  const found = new Map<string, Unpacked>();
  for (const { name, files } of bundlesIn(PACKAGE)) {
    if (only && !only.has(name)) continue;
    for (const { name: path, content } of files) {
      const at = join(folder, name, path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, content);
    }
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
    const zip = statSync(join(PACKAGE, `${name}.zip`)).size;
    found.set(name, { file: join(folder, name, `functions/lambda/${name}.mjs`), bytes, zip });
  }
  return found;
};
