/** How much each HTTP/2 connection may have open and on its way, so that all together stay little. */
import type { Http2Server, ServerHttp2Session } from 'node:http2';

interface Bounds {
  /** Of one connection while there are few. */
  most: number;
  /** Of all connections together, as long as each may have `least`. */
  in_all: number;
  least: number;
}

/** The share of each of so many connections: halves of `most`, so that it seldom changes. */
export const shareOf = (connections: number, { most, in_all, least }: Bounds): number => {
  let share = most;
  while (share > least && share * connections > in_all) share = Math.max(least, Math.floor(share / 2));
  return share;
};

/**
 * Tells connections their share whenever that changes. It grows again only when half of the connections are gone: who
 * comes and goes makes no work.
 *
 * @param tell tells those that are open, and the one that just opened
 */
const share = (
  server: Http2Server,
  bounds: Bounds,
  tell: (share: number, sessions: Iterable<ServerHttp2Session>, changed: boolean) => void,
): void => {
  const sessions = new Set<ServerHttp2Session>();
  let now = bounds.most;
  const change = (next: number): void => {
    now = next;
    tell(now, sessions, true);
  };
  server.on('session', (session) => {
    sessions.add(session);
    const fewer = shareOf(sessions.size, bounds);
    if (fewer < now) change(fewer);
    else tell(now, [session], false);
    session.once('close', () => {
      sessions.delete(session);
      const more = shareOf(sessions.size * 2, bounds);
      if (more > now) change(more);
    });
  });
};

/** Shares the streams. @param settings those that the server was made with */
export const shareStreams = (server: Http2Server, settings: object, bounds: Bounds): void =>
  share(server, bounds, (maxConcurrentStreams, sessions, changed) => {
    // who comes is told by the server
    if (!changed) return;
    server.updateSettings({ ...settings, maxConcurrentStreams });
    for (const session of sessions) if (!session.destroyed) session.settings({ maxConcurrentStreams });
  });

/**
 * Shares the bytes that peers may send before we read them: what comes in one turn of the loop (RFC 9113, section 5.2). A peer
 * that was allowed more uses that up first; that it may send more again goes to it with what is written next.
 */
export const shareBytes = (server: Http2Server, bounds: Bounds): void =>
  share(server, bounds, (bytes, sessions) => {
    for (const session of sessions) if (!session.destroyed) session.setLocalWindowSize(bytes);
  });
