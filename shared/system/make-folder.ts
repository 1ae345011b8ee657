import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const make = (folder: string): void => {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw thrown;
  }
};

/**
 * Makes a folder (mode 700) and those above it, unless they are there.
 *
 * Not by `recursive` of node:fs, which never ends where a file system answers ENOENT for a new folder (`/proc`).
 *
 * @throws what node:fs throws
 */
export const makeFolder = (folder: string): void => {
  try {
    make(folder);
  } catch (thrown) {
    const above = dirname(folder);
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw thrown;
    makeFolder(above);
    make(folder);
  }
};
