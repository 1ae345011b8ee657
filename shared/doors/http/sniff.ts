import type { Socket } from 'node:net';

/** How every HTTP/2 connection with prior knowledge begins (RFC 9113, 3.4); no HTTP/1.1 request can. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** What the first bytes of a connection are; undefined while they may still become either. */
export const protocolOf = (first: Uint8Array): 'h1' | 'h2' | undefined => {
  const known = Math.min(first.length, PREFACE.length);
  if (PREFACE.compare(first, 0, known, 0, known) !== 0) return 'h1';
  return known === PREFACE.length ? 'h2' : undefined;
};

/**
 * Reads just enough of a new connection to know its protocol and puts it back.
 *
 * A connection that says nothing in `waitMs` milliseconds, or ends before it said enough, is closed.
 */
export const sniff = (socket: Socket, waitMs: number, known: (protocol: 'h1' | 'h2') => void): void => {
  let first: Buffer = Buffer.alloc(0);
  const late = setTimeout(() => socket.destroy(), waitMs).unref();
  const failed = (): void => void socket.destroy();
  const done = (): void => {
    clearTimeout(late);
    socket.off('readable', read).off('end', failed).off('error', failed).off('close', done);
  };
  const read = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    first = first.length ? Buffer.concat([first, chunk]) : chunk;
    const protocol = protocolOf(first);
    if (!protocol) return;
    done();
    socket.unshift(first);
    known(protocol);
  };
  socket.on('readable', read).on('end', failed).on('error', failed).on('close', done);
};
