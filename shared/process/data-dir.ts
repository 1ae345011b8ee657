import { accessSync, constants } from 'node:fs';
import { StartError } from '../config/start-error.ts';
import { makeFolder } from '../system/make-folder.ts';

/**
 * Makes the data folder (mode 700) if it is not there.
 *
 * @throws StartError when it can't be made or written to
 */
export const prepareDataDir = (folder: string): void => {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StartError(
      `the data folder ${folder} can't be written: make it writable or set PERFECT21_DATA_DIR to another`,
      {
        cause,
      },
    );
  }
};
