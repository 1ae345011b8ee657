import { readFileSync } from 'node:fs';
import { StartError } from './start-error.ts';

/** A file that can't be read would look like a server that is away. @throws StartError */
export const requireFile = (variable: string, file: string | undefined): void => {
  try {
    if (file !== undefined) readFileSync(file);
  } catch (cause) {
    throw new StartError(`${variable}: ${file} can't be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
};
