/** Peers of a gRPC client that behave badly: raw sockets and HTTP/2 servers, each on a port of its own until the test ends. */
import { once } from 'node:events';
import { createServer as createHttp2, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const listening = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const overTcp = async (meet: (socket: Socket) => void): Promise<string> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    meet(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listening(server);
};

const overHttp2 = async (
  answer: (stream: ServerHttp2Stream, session: ServerHttp2Session, path: string) => void,
  settings = {},
): Promise<string> => {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2({ settings });
  server.on('session', (session) => sessions.add(session.on('error', () => {})));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.resume();
    answer(stream, stream.session as ServerHttp2Session, String(headers[':path']));
  });
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return listening(server as unknown as Server);
};

const GRPC = { ':status': 200, 'content-type': 'application/grpc' };

/** Answers with these bytes as the body, and a status after them unless told. */
const saying = (bytes: Buffer, trailers: Record<string, string> | undefined = { 'grpc-status': '0' }) =>
  overHttp2((stream) => {
    stream.respond(GRPC, { waitForTrailers: trailers !== undefined });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers!));
    stream.end(bytes);
  });

/** A message of gRPC: a flag, its length, its bytes. */
export const framed = (bytes: Buffer, { flag = 0, length = bytes.length } = {}): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
};

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));

/** By what they do. */
export const PEERS: Record<string, () => Promise<string>> = {
  'that is not there': async () => '127.0.0.1:1',
  'that takes connections and says nothing': () => overTcp(() => {}),
  'that cuts every connection': () => overTcp((socket) => socket.resetAndDestroy()),
  'that speaks HTTP/1.1': () => overTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'that sends no frames but noise': () => overTcp((socket) => socket.write(Buffer.alloc(4_096, 0xa5))),
  'that sends a frame larger than allowed': () =>
    overTcp((socket) => socket.write(Buffer.concat([SETTINGS, frame(0, 0, 1, Buffer.alloc(20_000))]))),
  'that sends header fields that cannot be unpacked': () =>
    overTcp((socket) => {
      socket.write(SETTINGS);
      socket.on('data', () => socket.write(frame(1, 4, 1, Buffer.alloc(64, 0xff))));
    }),
  'that floods with settings': () =>
    overTcp((socket) => socket.write(Buffer.concat(Array.from({ length: 5_000 }, () => SETTINGS)))),
  'that hears calls and never answers': () => overHttp2(() => {}),
  'that begins an answer and never ends it': () => overHttp2((stream) => stream.respond(GRPC)),
  'that sends an answer byte by byte': () =>
    overHttp2((stream) => {
      stream.respond(GRPC);
      const timer = setInterval(() => stream.write(Buffer.alloc(1)), 50);
      stream.on('close', () => clearInterval(timer));
    }),
  'that resets every call': () => overHttp2((stream) => stream.close(2)),
  'that refuses every call': () => overHttp2((stream) => stream.close(7)),
  'that takes no calls at all': () => overHttp2(() => {}, { maxConcurrentStreams: 0 }),
  'that says too_many_pings to every call': () =>
    overHttp2((_, session) => session.goaway(0xb, 0, Buffer.from('too_many_pings'))),
  'that dies in the middle of every call': () =>
    overHttp2((stream, session) => {
      stream.respond(GRPC);
      session.destroy();
    }),
  'that says that it is well and that it is not': () =>
    overHttp2((stream, _, path) => {
      if (path.startsWith('/grpc.health')) {
        stream.respond(GRPC, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        return void stream.end(framed(Buffer.from([8, 1])));
      }
      stream.respond({ ...GRPC, 'grpc-status': '14', 'grpc-message': 'not now' }, { endStream: true });
    }),
  'that answers a page': () =>
    overHttp2((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<html>');
    }),
  'that answers 503': () => overHttp2((stream) => stream.respond({ ':status': 503 }, { endStream: true })),
};

/** What answers calls, wrongly: the caller may not be told that it was well. */
export const LIARS: Record<string, () => Promise<string>> = {
  'no protobuf': () => saying(framed(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]))),
  'a message that ends early': () => saying(framed(Buffer.from([0x0a, 5, 1]))),
  'fewer bytes than announced': () => saying(framed(Buffer.from([8, 1]), { length: 900 })),
  'more than may be sent': () => saying(framed(Buffer.alloc(16), { length: 2 ** 32 - 1 })),
  'a compressed message that is not': () => saying(framed(Buffer.from([8, 1]), { flag: 1 })),
  'nothing at all': () => saying(Buffer.alloc(0)),
  'a status that there is not': () => saying(framed(Buffer.from([8, 1])), { 'grpc-status': '99' }),
  'details that are no protobuf': () =>
    saying(Buffer.alloc(0), {
      'grpc-status': '3',
      'grpc-status-details-bin': Buffer.alloc(9, 0xff).toString('base64'),
    }),
};
