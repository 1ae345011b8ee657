/** Files that only this user may read: created whole and once, however many processes start together; replaced whole. */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StartError } from '../config/start-error.ts';
import { makeFolder } from '../system/make-folder.ts';

const codeOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? 'unknown error';

/** Writes a new file beside the wanted one, on disk when this returns. */
const writeBeside = (file: string, content: string): string => {
  const beside = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = openSync(beside, 'wx', 0o600);
  try {
    writeFileSync(handle, content);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return beside;
};

/**
 * Whether others may read or change it. A file of root may be read by its group: so a process that is not root is given one
 * that it can't change, as Kubernetes mounts a Secret (PostgreSQL has the same rule for its keys).
 */
const isOpen = (file: string): boolean => {
  const { mode, uid } = statSync(file);
  return (mode & (uid === 0 && process.getuid?.() !== 0 ? 0o037 : 0o077)) !== 0;
};

/** The content of a private file; undefined when there is none. Throws StartError when others may read it, too. */
export const readPrivateFile = (file: string): string | undefined => {
  try {
    if (isOpen(file)) throw new StartError(`${file} can be read by others: run "chmod 600 ${file}"`);
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof StartError) throw thrown;
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw new StartError(`${file} can't be read (${codeOf(thrown)}): make it readable for this user, and only for it`);
  }
};

const notCreated = (file: string, thrown: unknown): StartError =>
  new StartError(`${file} can't be created (${codeOf(thrown)}): make ${dirname(file)} writable for this user`);

/** Makes the folder (0700) of a private file that is written later. Throws StartError when it can't be written. */
export const preparePrivateFile = (file: string): void => {
  try {
    makeFolder(dirname(file));
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw notCreated(file, thrown);
  }
};

/**
 * Creates a private file (0600) and its folder (0700) unless it exists. Of several processes one wins, and the others
 * read what it wrote: a link either makes the whole file appear or fails.
 *
 * @throws StartError when the folder can't be written
 */
export const createPrivateFile = (file: string, content: string): void => {
  try {
    makeFolder(dirname(file));
    const beside = writeBeside(file, content);
    try {
      linkSync(beside, file);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
    } finally {
      rmSync(beside, { force: true });
    }
  } catch (thrown) {
    throw notCreated(file, thrown);
  }
};

/** Replaces a private file in one step. Throws what node:fs throws. */
export const replacePrivateFile = (file: string, content: string): void => {
  const beside = writeBeside(file, content);
  try {
    renameSync(beside, file);
  } catch (thrown) {
    rmSync(beside, { force: true });
    throw thrown;
  }
};
