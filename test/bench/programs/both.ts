/** Two platforms in one process, which differ in what is measured: of two processes one is always quicker, by luck. */
import * as product from '../../../functions/index.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { adapter } from '../../../shared/kit/adapter.ts';
import { launch } from '../../../shared/process/launch.ts';
import { testEnvironment } from '../../support/platform.ts';
import { serve } from '../processes.ts';

export interface One {
  folder: string;
  env?: Record<string, string>;
  /** Nothing is counted, which no setting can do. */
  silent?: boolean;
}

const nothing = (): void => {};
const silence = adapter({
  port: 'metrics',
  open: () => ({ port: { count: nothing, observe: nothing, gauge: nothing } }),
});

// answers where they listen
serve(async (all: readonly One[]) => {
  const ports: number[] = [];
  for (const { folder, env, silent } of all) {
    const config = loadConfig({ ...testEnvironment(folder), ...env });
    const { http } = await launch(product, config, { replace: silent ? [silence] : [] });
    ports.push(Number(new URL(http.url).port));
  }
  return ports;
});
