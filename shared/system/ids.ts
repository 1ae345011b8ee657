import { randomBytes, randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import { adapter } from '../kit/adapter.ts';
import type { Ids } from '../ports/clock.ts';

/** Random bytes of one UUID. */
const SIZE = 16;

/**
 * UUIDv7 that rise within a process, also within a millisecond (RFC 9562, 6.2, method 2).
 *
 * The random source is asked once for many of them: a call to it costs several times the rest.
 */
export const risingUuids = (): (() => string) => {
  const pool = Buffer.alloc(256 * SIZE);
  const random = Buffer.alloc(SIZE);
  let used = pool.length;
  let [msecs, seq] = [0, 0];
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    for (let n = 0; n < SIZE; n += 1) random[n] = pool[used++]!;
    const now = Date.now();
    // the first count of a millisecond is random below 2^31, so that it has room to rise
    if (now > msecs) [msecs, seq] = [now, random.readUInt32BE(6) >>> 1];
    else {
      seq = (seq + 1) | 0;
      if (seq === 0) msecs += 1;
    }
    return v7({ random, msecs, seq });
  };
};

export const randomIds = adapter({
  port: 'ids',
  open: () => ({
    port: {
      uuid: risingUuids(),
      random: (bytes = 32) => randomBytes(bytes).toString('base64url'),
    } satisfies Ids,
  }),
});
