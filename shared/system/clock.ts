import { adapter } from '../kit/adapter.ts';
import type { Clock } from '../ports/clock.ts';

export const systemClock = adapter({
  port: 'clock',
  open: () => ({ port: { now: () => Date.now() } satisfies Clock }),
});
