/** An HTTP/2 request as no library lets one send it: any fields, any number of times. */
import { connect } from 'node:net';
import { DATA, END_HEADERS, END_STREAM, FRAME_HEAD, frame, HEADERS, SETTINGS } from '../bench/load/h2-frames.ts';

const literal = ([name, value]: readonly [string, string]) => {
  const text = (of: string) => Buffer.concat([Buffer.from([of.length]), Buffer.from(of)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
};

/** Of statuses that HPACK's static table knows (RFC 7541, Appendix A). */
const STATUS: Readonly<Record<number, number>> = { 136: 200, 137: 204, 140: 400, 141: 404, 142: 500 };

/** The head of the answer: its status, where the table knows it, and whether nothing follows. */
export const h2Request = (
  port: number,
  fields: readonly (readonly [string, string])[],
  body?: Buffer,
): Promise<{ status: number | undefined; whole: boolean }> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const head = Buffer.concat(fields.map(literal));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
    socket.write(frame(HEADERS, END_HEADERS | (body ? 0 : END_STREAM), 1, head));
    if (body) socket.write(frame(DATA, END_STREAM, 1, body));
    let heard = Buffer.alloc(0);
    socket.on('error', reject).on('close', () => reject(new Error('closed without an answer')));
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      while (heard.length >= FRAME_HEAD && heard.length >= FRAME_HEAD + heard.readUIntBE(0, 3)) {
        const size = FRAME_HEAD + heard.readUIntBE(0, 3);
        const [type, flags, block] = [heard[3], heard[4]!, heard.subarray(FRAME_HEAD, size)];
        heard = heard.subarray(size);
        if (type !== HEADERS) continue;
        resolve({ status: STATUS[block[0]!], whole: (flags & END_STREAM) !== 0 });
        socket.destroy();
        return;
      }
    });
  });
