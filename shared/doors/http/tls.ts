import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { StartError } from '../../config/start-error.ts';

const read = (variable: string, path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new StartError(`${variable}: ${path} can't be read (${cause.code})`);
  });

/**
 * Reads a certificate chain and its key.
 *
 * @param paths PEM files
 * @throws StartError when one can't be read or they don't belong together
 */
export const readCertificate = async (paths: { cert: string; key: string }): Promise<{ cert: string; key: string }> => {
  const pem = { cert: await read('PERFECT21_TLS_CERT', paths.cert), key: await read('PERFECT21_TLS_KEY', paths.key) };
  try {
    createSecureContext(pem);
  } catch {
    throw new StartError('PERFECT21_TLS_CERT and PERFECT21_TLS_KEY are not a PEM certificate and its key');
  }
  return pem;
};
