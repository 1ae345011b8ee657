/** Reading a request's body off the wire, no further than it may go. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { AppError } from '../../kit/errors.ts';
import { unlessWithin } from './late.ts';

/** True when a request comes with a body, read or not. */
export const announcesBody = (request: IncomingMessage): boolean => {
  const { headers, httpVersionMajor } = request;
  if (httpVersionMajor === 2) return !(request as unknown as Http2ServerRequest).stream.endAfterHeaders;
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
};

const tooLarge = (limit: number): AppError =>
  new AppError('payload_too_large', { detail: `A body of at most ${limit} bytes is taken` });

/**
 * Reads a body. What passes the limit is not kept: the rest stays unread, and the connection ends with the answer.
 *
 * @param limit bytes
 * @param ms until the last byte
 * @throws AppError `payload_too_large`; `request_timeout`; `invalid_request` when the client went away before the end
 */
export const readBody = (request: IncomingMessage, limit: number, ms: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    if (Number(request.headers['content-length']) > limit) {
      reject(tooLarge(limit));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const arrived = unlessWithin(ms, () => reject(new AppError('request_timeout')));
    const gone = (): void => {
      arrived();
      // every request closes, also one that was read to its end
      if (!request.readableEnded) {
        reject(new AppError('invalid_request', { detail: 'The request ended before its body' }));
      }
    };
    // listeners stay: a promise settles once, and taking them off costs more than the request is worth
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        arrived();
        request.pause();
        reject(tooLarge(limit));
      }
    });
    request.on('end', () => {
      arrived();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.on('error', gone);
    request.on('close', gone);
  });
