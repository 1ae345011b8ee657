/** Whoever asks for more than his share: floods of streams, small and of 1 MB each, and streams that are reset as soon as they are opened. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { serve } from '../processes.ts';

export interface Attack {
  kind: 'flood' | 'bodies' | 'resets';
  door: 'http' | 'grpc';
  port: number;
}

const CONNECTIONS = 100;
const STREAMS = 100;
const RESETS = 10;
const LASTS_MS = 3_000;

const HEADERS: Record<Attack['door'], OutgoingHttpHeaders> = {
  http: { ':method': 'POST', ':path': '/api/v1/auth/validate', 'content-type': 'application/json' },
  grpc: {
    ':method': 'POST',
    ':path': '/perfect21.auth.AuthService/ValidateToken',
    'content-type': 'application/grpc',
    te: 'trailers',
  },
};

/** A varint of protobuf. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(value >> 7)]);

const bodiesOf = (length: number): Record<Attack['door'], Buffer> => {
  const token = 'x'.repeat(length);
  const message = Buffer.concat([Buffer.from([0x0a, ...varint(length)]), Buffer.from(token)]);
  // a frame of gRPC that is not compressed
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return { http: Buffer.from(JSON.stringify({ token })), grpc: Buffer.concat([prefix, message]) };
};
/** Ten thousand of them are 1 MB. */
const SMALL = bodiesOf(90);
const LARGE = bodiesOf(1_000_000);

const open = (port: number): Promise<ClientHttp2Session> =>
  new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', () => resolve(session));
    session.once('remoteSettings', () => resolve(session));
  });

/** One request to its end, however it ends. */
const call = (session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: Buffer): Promise<void> =>
  new Promise((resolve) => {
    if (session.destroyed || session.closed) return resolve();
    const stream = session.request(headers);
    stream.on('error', () => {}).once('close', resolve);
    stream.resume();
    stream.end(body);
  });

const flood = async ({ door, port }: Attack): Promise<void> => {
  const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port)));
  const calls = sessions.flatMap((session) =>
    Array.from({ length: STREAMS }, () => call(session, HEADERS[door], SMALL[door])),
  );
  await Promise.all(calls);
  for (const session of sessions) session.destroy();
};

const bodies = async ({ door, port }: Attack): Promise<void> => {
  const end = performance.now() + LASTS_MS;
  const sessions = new Set<ClientHttp2Session>();
  const send = async () => {
    while (performance.now() < end) {
      const session = await open(port);
      sessions.add(session);
      await Promise.all(Array.from({ length: STREAMS }, () => call(session, HEADERS[door], LARGE[door])));
      session.destroy();
      sessions.delete(session);
    }
  };
  const sending = Array.from({ length: CONNECTIONS }, send);
  setTimeout(() => {
    for (const session of sessions) session.destroy();
  }, LASTS_MS);
  await Promise.all(sending);
};

const resets = async ({ door, port }: Attack): Promise<void> => {
  const end = performance.now() + LASTS_MS;
  const reset = async () => {
    while (performance.now() < end) {
      const session = await open(port);
      const alive = () => !session.destroyed && !session.closed && performance.now() < end;
      while (alive()) {
        for (let n = 0; n < 50 && alive(); n += 1) {
          const stream = session.request(HEADERS[door]).on('error', () => {});
          stream.close(constants.NGHTTP2_CANCEL);
        }
        await new Promise(setImmediate);
      }
      session.destroy();
    }
  };
  await Promise.all(Array.from({ length: RESETS }, reset));
};

if (import.meta.main)
  serve(async (attack: Attack) => {
    await { flood, bodies, resets }[attack.kind](attack);
    return 'over';
  });
