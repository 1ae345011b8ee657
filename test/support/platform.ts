/** A whole platform for a test: private ports and folder, a clock in the test's hands, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as product from '../../functions/index.ts';
import { type DevCredentials, devCredentials, seedDevCredentials } from '../../infra/local/dev-credentials.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { type Adapter, adapter } from '../../shared/kit/adapter.ts';
import type { Host } from '../../shared/kit/invoke.ts';
import { prepareDataDir } from '../../shared/process/data-dir.ts';
import { launch, type Running } from '../../shared/process/launch.ts';

export interface TestPlatform extends Running {
  credentials: DevCredentials;
  dataDir: string;
  /** What time the platform takes it to be, unix ms. */
  now(): number;
  /** Moves the clock of the whole platform. */
  advance(ms: number): void;
  close(): Promise<void>;
}

export const TEST_SECRET = 'dGVzdHMtb25seS1rZXktbWF0ZXJpYWwtMTIzNDU2Nzg5MA';

/** Environment of a platform that collides with no other. */
export const testEnvironment = (dataDir: string, more: Record<string, string> = {}): Record<string, string> => ({
  PERFECT21_DATA_DIR: dataDir,
  PERFECT21_HTTP_PORT: '0',
  PERFECT21_GRPC_PORT: '0',
  PERFECT21_METRICS_PORT: '0',
  PERFECT21_MAILBOX_PORT: '0',
  PERFECT21_SMTP_PORT: '0',
  PERFECT21_PUBLIC_URL: 'http://localhost:8080',
  PERFECT21_SECRET: TEST_SECRET,
  PERFECT21_RATE_LIMITS: 'off',
  PERFECT21_RESET_DELAY: '0',
  LOG_LEVEL: 'error',
  ...more,
});

/** @example const platform = await testPlatform({ STORE_URL: url }); … await platform.close(); */
export const testPlatform = async (
  env: Record<string, string> = {},
  replace: readonly Adapter<any, any>[] = [],
): Promise<TestPlatform> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'perfect21-e2e-'));
  let offset = 0;
  const clock = adapter({ port: 'clock', open: () => ({ port: { now: () => Date.now() + offset } }) });
  const config = loadConfig(testEnvironment(dataDir, env));
  prepareDataDir(dataDir);
  const credentials = devCredentials(dataDir);
  const prepare = async (host: Host) => {
    await seedDevCredentials(host, credentials, config.services);
    return undefined;
  };
  const running = await launch(product, config, { replace: [clock, ...replace], prepare });
  return {
    ...running,
    credentials,
    dataDir,
    now: () => Date.now() + offset,
    advance: (ms) => {
      offset += ms;
    },
    close: async () => {
      await running.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};
