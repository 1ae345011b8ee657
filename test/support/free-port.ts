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

/** Holds a port for this process, and says whether it could be had. */
const taken = async (port: number): Promise<(() => void) | undefined> => {
  const mark = await listens({ path: `\0perfect21-test-port-${port}` });
  const probe = mark && (await listens({ port, host: '127.0.0.1' }));
  if (!probe) {
    mark?.close();
    return undefined;
  }
  probe.close();
  await once(probe, 'close');
  return () => mark.close();
};

/**
 * Nobody listens there, and no other test gets it while this process lives: a name in the abstract namespace of Unix
 * sockets (unix(7)) is held for it, which leaves no file and ends with the process.
 *
 * @param many so many from there on, for a program that counts on from one
 * @example const port = await freePort();
 */
export const freePort = async (many = 1): Promise<number> => {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    const held: (() => void)[] = [];
    for (let at = port; at < port + many; at += 1) {
      const free = await taken(at);
      if (!free) break;
      held.push(free);
    }
    if (held.length === many) return port;
    for (const free of held) free();
  }
};
