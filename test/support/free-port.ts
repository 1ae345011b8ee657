/** A port for a process that a test starts, and that can't choose one itself. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral ports, so that no outgoing connection takes it before the process listens, nor between two starts. */
const [FIRST, LAST] = [10_000, 32_000];

/** @example const port = await freePort(); */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const probe = createServer();
    try {
      const port = randomInt(FIRST, LAST);
      probe.listen(port, '127.0.0.1');
      await once(probe, 'listening');
      return port;
    } catch {
      // taken: another one
    } finally {
      probe.close();
    }
  }
};
