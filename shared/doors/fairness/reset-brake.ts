/**
 * Ends HTTP/2 connections whose streams mostly end in resets (CVE-2023-44487 "rapid reset", CVE-2025-8671 "MadeYouReset").
 *
 * Also counted are those that a client makes us send. A proxy puts calls for many onto one connection and gives them up when
 * one of those many goes away: what is in flight for the others is answered, and the proxy goes on with a new connection. Who
 * goes on with this one is cut off.
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

/** Instead of nghttp2's own count, which cuts off what is in flight and knows no calls that were answered. */
export const NO_OTHER_BRAKE = { streamResetBurst: 1e9, streamResetRate: 1e9 } as const;

/** GOAWAY that refuses no stream that is on its way (RFC 9113, section 6.8). */
const ANY_STREAM = 2 ** 31 - 1;
/** In which a peer hears of the end, ms, and the resets of streams that it still had in flight or opened meanwhile. */
const UNAWARE_MS = 1_000;
const UNAWARE = 512;

/** Watches a session that resets more than it may: it is asked to end, and destroyed with ENHANCE_YOUR_CALM if it goes on. */
export const brakeResets = (session: ServerHttp2Session, allowed: { burst: number; per_second: number }): void => {
  const { take, give } = bucket(allowed, () => performance.now());
  let over = 0;
  const closed = function (this: ServerHttp2Stream): void {
    if (this.rstCode === constants.NGHTTP2_NO_ERROR) {
      give(EARNED);
      return;
    }
    if (take() || session.destroyed) return;
    over += 1;
    if (over > UNAWARE) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    if (over > 1 || session.closed) return;
    session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
    setTimeout(() => session.destroyed || session.close(), UNAWARE_MS).unref();
  };
  session.on('stream', (stream: ServerHttp2Stream) => stream.on('close', closed));
};
