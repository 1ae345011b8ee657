/** The functions under serverless-offline, for tests: own folder, own ports, gone afterwards. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Offline, startOffline as start } from '../../infra/local/offline.ts';
import { ORIGIN } from '../e2e/passkey.ts';
import { freePort } from '../support/free-port.ts';

/**
 * Starts functions, worker and mailbox.
 *
 * @example const { url, mailboxUrl, credentials, drain, close } = await startOffline();
 */
export const startOffline = async (
  options: {
    dataDir?: string;
    ports?: { http?: number; socket?: number; lambda?: number };
    env?: Record<string, string>;
  } = {},
): Promise<Offline> => {
  const own = options.dataDir === undefined;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'perfect21-offline-'));
  const ports = { http: await freePort(), socket: await freePort(), lambda: await freePort(), ...options.ports };
  const remove = (): void => {
    if (own) rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const running = await start({
      ports,
      env: {
        PERFECT21_DATA_DIR: dataDir,
        PERFECT21_MAILBOX_PORT: '0',
        PERFECT21_SMTP_PORT: '0',
        LOG_LEVEL: 'error',
        PERFECT21_ORIGINS: ORIGIN,
        PERFECT21_RATE_LIMITS: '1000',
        PERFECT21_RESET_DELAY: '0',
        ...options.env,
      },
    });
    return { ...running, close: () => running.close().finally(remove) };
  } catch (thrown) {
    remove();
    throw thrown;
  }
};
