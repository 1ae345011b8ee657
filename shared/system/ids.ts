import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { adapter } from '../adapter.ts';
import type { Ids } from '../ports/clock.ts';

export const randomIds = adapter({
  port: 'ids',
  open: () => ({
    port: { uuid: () => v7(), random: (bytes = 32) => randomBytes(bytes).toString('base64url') } satisfies Ids,
  }),
});
