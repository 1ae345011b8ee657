/** How many streams each HTTP/2 connection may have open, so that all together stay few. */
import type { Http2Server, ServerHttp2Session } from 'node:http2';

interface Bounds {
  /** Of one connection while there are few. */
  streams: number;
  /** Of all connections together, as long as each may have `least`. */
  in_all: number;
  least: number;
}

/** The share of each of so many connections: halves of `streams`, so that it seldom changes. */
export const shareOf = (connections: number, { streams, in_all, least }: Bounds): number => {
  let share = streams;
  while (share > least && share * connections > in_all) share = Math.max(least, Math.floor(share / 2));
  return share;
};

/**
 * Tells connections their share whenever that changes. It grows again only when half of the connections are gone: who
 * comes and goes makes no work.
 */
export const shareStreams = (server: Http2Server, settings: object, bounds: Bounds): void => {
  const sessions = new Set<ServerHttp2Session>();
  let share = bounds.streams;
  const tell = (next: number): void => {
    share = next;
    server.updateSettings({ ...settings, maxConcurrentStreams: share });
    for (const session of sessions) if (!session.destroyed) session.settings({ maxConcurrentStreams: share });
  };
  server.on('session', (session) => {
    sessions.add(session);
    const fewer = shareOf(sessions.size, bounds);
    if (fewer < share) tell(fewer);
    session.once('close', () => {
      sessions.delete(session);
      const more = shareOf(sessions.size * 2, bounds);
      if (more > share) tell(more);
    });
  });
};
