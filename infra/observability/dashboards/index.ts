/** What Grafana shows. */
import type { Dashboard } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import { platform } from '../../../functions/index.ts';
import { events } from './events.ts';
import { overview } from './overview.ts';
import { security } from './security.ts';
import { ofService } from './service.ts';
import { sidecar } from './sidecar.ts';

/** By the name of their files. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  overview,
  ...Object.fromEntries(platform.map(({ name }) => [name, ofService(name)])),
  events,
  security,
  sidecar,
};
