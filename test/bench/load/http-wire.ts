/** HTTP/1.1 requests as bytes made beforehand: cheap enough that the load is never what is measured. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Wire } from './engine.ts';

type Done = (ok: boolean) => void;

/** A POST with a JSON body, keep-alive. */
export const post = (path: string, body: object): Buffer => {
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
};

const END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** The size of the answer that `bytes` begin with; undefined while its head is not there. Answers name their length. */
const sizeOf = (bytes: Buffer): number | undefined => {
  const head = bytes.indexOf(END);
  if (head === -1) return undefined;
  const length = LENGTH.exec(bytes.toString('latin1', 0, head))?.[1];
  if (length === undefined) throw new Error('an answer without content-length');
  return head + END.length + Number(length);
};

/**
 * So many connections with one request each at a time; more requests wait for a free one.
 *
 * @param requests sent in turn
 * @param expected text that a right answer, whose status is 200, contains
 */
export const httpWire = async (
  port: number,
  connections: number,
  requests: readonly Buffer[],
  expected: string,
): Promise<Wire> => {
  const right = Buffer.from(expected);
  const waiting: { n: number; done: Done }[] = [];
  const idle: ((n: number, done: Done) => void)[] = [];

  const use = (socket: Socket): void => {
    let current: Done | undefined;
    let pending: Buffer | undefined;
    const send = (n: number, done: Done): void => {
      current = done;
      socket.write(requests[n % requests.length]!);
    };
    socket.on('data', (chunk: Buffer) => {
      const bytes = pending ? Buffer.concat([pending, chunk]) : chunk;
      const size = sizeOf(bytes);
      pending = size !== undefined && bytes.length >= size ? undefined : bytes;
      if (pending) return;
      const done = current!;
      const ok = bytes.toString('latin1', 9, 12) === '200' && bytes.includes(right);
      const next = waiting.shift();
      if (next) send(next.n, next.done);
      else idle.push(send);
      done(ok);
    });
    // a connection that is gone takes the measurement with it
    socket.on('close', (broken) => broken && process.exit(1));
    idle.push(send);
  };

  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  for (const socket of sockets) use(socket);
  return {
    send: (n, done) => {
      const take = idle.pop();
      if (take) take(n, done);
      else waiting.push({ n, done });
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};
