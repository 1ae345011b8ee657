/** Unary gRPC calls as HTTP/2 frames made beforehand: a client of grpc-js gives out long before a server does. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Wire } from './engine.ts';
import {
  ACK,
  callOf,
  DATA,
  END_STREAM,
  FRAME_HEAD,
  frame,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from './h2-frames.ts';

type Done = (ok: boolean) => void;

/** Below the limit of a server (`grpc.max_concurrent_streams`). */
const MAX_STREAMS = 120;
const WINDOW = 65_535;

/** One connection: `send` says whether there was room. */
const channel = (
  socket: Socket,
  { path, messages, authorization }: { path: string; messages: readonly Buffer[]; authorization?: string },
  onRoom: () => void,
) => {
  const calls = messages.map((message) => callOf(path, message, authorization));
  const inFlight = new Map<number, { done: Done; data: boolean }>();
  let [stream, window, corked] = [1, WINDOW, false];
  let pending: Buffer = Buffer.alloc(0);

  const write = (bytes: Buffer): void => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  };
  const finish = (id: number, ok: boolean): void => {
    const call = inFlight.get(id);
    inFlight.delete(id);
    call?.done(ok && call.data);
    onRoom();
  };
  const take = (type: number, flags: number, id: number, payload: Buffer): void => {
    if (type === DATA && payload.length > 0) {
      const call = inFlight.get(id);
      if (call) call.data = true;
    }
    if (type === SETTINGS && !(flags & ACK)) write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (type === PING && !(flags & ACK)) write(frame(PING, ACK, 0, payload));
    if (type === WINDOW_UPDATE && id === 0) {
      window += payload.readUInt32BE();
      onRoom();
    }
    if (type === GOAWAY) process.exit(1);
    if (type === RST_STREAM) finish(id, false);
    // an answer with a message and trailers is a success: an error of gRPC comes without a message
    else if (type <= HEADERS && flags & END_STREAM) finish(id, true);
  };
  socket.on('data', (chunk: Buffer) => {
    let bytes: Buffer = pending.length ? Buffer.concat([pending, chunk]) : chunk;
    while (bytes.length >= FRAME_HEAD) {
      const size = FRAME_HEAD + bytes.readUIntBE(0, 3);
      if (bytes.length < size) break;
      take(bytes[3]!, bytes[4]!, bytes.readUInt32BE(5) & 0x7fffffff, bytes.subarray(FRAME_HEAD, size));
      bytes = bytes.subarray(size);
    }
    pending = bytes;
  });
  socket.on('close', (broken) => broken && process.exit(1));
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  socket.write(frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff - WINDOW)));

  return (n: number, done: Done): boolean => {
    const { head, bytes } = calls[n % calls.length]!;
    const data = bytes.length - head - FRAME_HEAD;
    if (inFlight.size >= MAX_STREAMS || window < data) return false;
    const call = Buffer.from(bytes);
    call.writeUInt32BE(stream, 5);
    call.writeUInt32BE(stream, head + 5);
    window -= data;
    inFlight.set(stream, { done, data: false });
    stream += 2;
    write(call);
    return true;
  };
};

/**
 * Calls of one method over so many connections in turn; what finds no room waits.
 *
 * @param messages encoded requests, sent in turn
 */
export const grpcWire = async (
  port: number,
  connections: number,
  path: string,
  messages: readonly Buffer[],
  authorization?: string,
): Promise<Wire> => {
  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const waiting: { n: number; done: Done }[] = [];
  const onRoom = (): void => {
    while (waiting.length && offer(waiting[0]!.n, waiting[0]!.done)) waiting.shift();
  };
  const channels = sockets.map((socket) => channel(socket, { path, messages, authorization }, onRoom));
  let turn = 0;
  const offer = (n: number, done: Done): boolean => {
    turn += 1;
    return channels.some((_, nth) => channels[(turn + nth) % channels.length]!(n, done));
  };
  return {
    send: (n, done) => {
      if (waiting.length || !offer(n, done)) waiting.push({ n, done });
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};
