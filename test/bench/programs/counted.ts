/** The platform as `npm start` runs it, with its metrics or without any, which no setting can do. */
import * as product from '../../../functions/index.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { adapter } from '../../../shared/kit/adapter.ts';
import { launch } from '../../../shared/process/launch.ts';
import { testEnvironment } from '../../support/platform.ts';
import { serve } from '../processes.ts';

export interface CountedOrder {
  folder: string;
  counts: boolean;
}

const nothing = (): void => {};
const silent = adapter({
  port: 'metrics',
  open: () => ({ port: { count: nothing, observe: nothing, gauge: nothing } }),
});

// answers where it listens
serve(async ({ folder, counts }: CountedOrder) => {
  const { http } = await launch(product, loadConfig(testEnvironment(folder)), { replace: counts ? [] : [silent] });
  return Number(new URL(http.url).port);
});
