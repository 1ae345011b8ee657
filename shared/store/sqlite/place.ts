/** Where the file is and how it is opened, from `sqlite:<file>[?option=value&…]`. */
import { chmodSync, closeSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { StartError } from '../../config/start-error.ts';
import { makeFolder } from '../../system/make-folder.ts';

const Options = z.strictObject({
  /** `full`: a commit survives a power cut. `normal`: it survives the end of the process, however that comes, and costs less. */
  synchronous: z.enum(['normal', 'full']).default('full'),
  /** How long to wait for another process that writes, ms. */
  busy_timeout: z.coerce.number().int().min(0).max(60_000).default(5000),
  /** Pages of 4 KiB that the file may have at most. */
  max_page_count: z.coerce.number().int().positive().optional(),
});

export type Place = z.output<typeof Options> & { file: string };

/**
 * Reads the part of the URL after `sqlite:`.
 *
 * @throws StartError for an option that is not known
 */
export const placeOf = (spec: string): Place => {
  const [file = '', query = ''] = spec.split('?', 2);
  const options = Options.safeParse(Object.fromEntries(new URLSearchParams(query)));
  if (options.success) return { ...options.data, file: file === ':memory:' ? file : resolve(file) };
  const [issue] = options.error.issues;
  throw new StartError(`STORE_URL is not usable: ${[...issue!.path, issue!.message].join(' ')}`);
};

/**
 * Makes the folder (0700) and the file (0600), if they are missing; the journal's files take after the file.
 *
 * @throws StartError when the file can't be written
 */
export const prepare = ({ file }: Place): void => {
  if (file === ':memory:') return;
  try {
    makeFolder(dirname(file));
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new StartError(`The store's file ${file} can't be written (${code}): correct STORE_URL or its permissions`);
  }
};
