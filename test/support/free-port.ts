/** A port for a process that a test starts, and that can't choose one itself. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ListenOptions } from 'node:net';

/** Below the ephemeral ports, so that no outgoing connection takes it before the process listens, nor between two starts. */
const [FIRST, LAST] = [10_000, 32_000];

const listens = async (at: ListenOptions) => {
  const server = createServer().unref();
  try {
    server.listen(at);
    await once(server, 'listening');
    return server;
  } catch {
    server.close();
    return undefined;
  }
};

/**
 * Nobody listens there, and no other test gets it while this process lives: a name in the abstract namespace of Unix
 * sockets (unix(7)) is held for it, which leaves no file and ends with the process.
 * @example const port = await freePort();
 */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    const mark = await listens({ path: `\0perfect21-test-port-${port}` });
    const probe = mark && (await listens({ port, host: '127.0.0.1' }));
    if (probe) {
      probe.close();
      await once(probe, 'close');
      return port;
    }
    mark?.close();
  }
};
