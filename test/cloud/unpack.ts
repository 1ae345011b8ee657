/** The zips of a package, unpacked as Lambda does it: each into a folder of its own, with the SDK that the runtime brings. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundlesIn } from '../../infra/aws/bundles.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { PACKAGE } from '../../infra/package.ts';

/** Unpacks and gives, by function, the file of its handler and the bytes of its zip's content. */
export const unpackAll = (folder: string, only?: ReadonlySet<string>): Map<string, { file: string; bytes: number }> => {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const scope of ['@aws-sdk', '@smithy', '@aws-crypto', 'tslib']) {
    symlinkSync(join(ROOT, 'node_modules', scope), join(folder, 'node_modules', scope));
  }
  const found = new Map<string, { file: string; bytes: number }>();
  for (const { name, files } of bundlesIn(PACKAGE)) {
    if (only && !only.has(name)) continue;
    for (const { name: path, content } of files) {
      const at = join(folder, name, path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, content);
    }
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
    found.set(name, { file: join(folder, name, `functions/lambda/${name}.mjs`), bytes });
  }
  return found;
};
