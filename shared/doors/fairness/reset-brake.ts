/**
 * Ends HTTP/2 connections whose streams mostly end in resets (CVE-2023-44487 "rapid reset", CVE-2025-8671 "MadeYouReset").
 *
 * nghttp2 counts the resets that a client sends; this also counts those that a client makes us send.
 */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';

/** What a stream that was answered earns: a busy client may give up every third. */
const EARNED = 0.5;

/** A bucket that holds `burst` and refills with `per_second`. Take tells whether there was something left. */
export const bucket = (
  { burst, per_second }: { burst: number; per_second: number },
  now: () => number,
): { take(): boolean; give(amount: number): void } => {
  let left = burst;
  let at = now();
  const give = (amount: number): void => {
    left = Math.min(burst, left + amount);
  };
  return {
    give,
    take: () => {
      const time = now();
      give(((time - at) / 1_000) * per_second);
      at = time;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
};

/** Watches a session; destroys it with ENHANCE_YOUR_CALM when it resets more than it may. */
export const brakeResets = (session: ServerHttp2Session, allowed: { burst: number; per_second: number }): void => {
  const { take, give } = bucket(allowed, () => performance.now());
  const closed = function (this: ServerHttp2Stream): void {
    if (this.rstCode === constants.NGHTTP2_NO_ERROR) give(EARNED);
    else if (!take() && !session.destroyed) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  };
  session.on('stream', (stream: ServerHttp2Stream) => stream.on('close', closed));
};
