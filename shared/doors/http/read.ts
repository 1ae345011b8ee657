/** Reading a request's body off the wire, no further than it may go. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2';
import { AppError } from '../../kit/errors.ts';
import { Held } from '../fairness/held-bytes.ts';
import { turns } from '../fairness/turns.ts';
import { unlessBy } from './late.ts';

/** What a request came on: the session of HTTP/2, whose socket node shows as somebody else, or the socket. */
export const carrierOf = (request: IncomingMessage & { stream?: ServerHttp2Stream }) =>
  request.httpVersionMajor === 2 ? request.stream?.session : request.socket;

/** True when a request comes with a body, read or not. */
export const announcesBody = (request: IncomingMessage): boolean => {
  const { headers, httpVersionMajor } = request;
  if (httpVersionMajor === 2) return !(request as unknown as Http2ServerRequest).stream.endAfterHeaders;
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
};

const tooLarge = (limit: number): AppError =>
  new AppError('payload_too_large', { detail: `A body of at most ${limit} bytes is taken` });

const crowded = (): AppError =>
  new AppError('unavailable', { detail: 'Too many large bodies come at once', retry_after: 1 });

/**
 * Reads a body. What passes the limit is not kept: the rest stays unread, and the connection ends with the answer.
 *
 * @param limit bytes
 * @param until when its last byte has to be here, as performance.now() counts
 * @param parse makes of the bytes what they are read for
 * @throws what `parse` throws; AppError `payload_too_large`; `request_timeout`; `unavailable` when others hold too much;
 * `invalid_request` when the client went away before the end
 */
export const readBody = <T>(
  request: IncomingMessage,
  limit: number,
  until: number,
  parse: (body: Buffer) => T,
): Promise<T> =>
  new Promise((resolve, reject) => {
    if (Number(request.headers['content-length']) > limit) {
      reject(tooLarge(limit));
      return;
    }
    let chunks: Buffer[] = [];
    let size = 0;
    const drop = (): void => {
      arrived();
      chunks = [];
      size = Number.POSITIVE_INFINITY;
    };
    const refuse = (error: AppError): void => {
      drop();
      request.pause();
      // bodies that came side by side pass their limits side by side, and an answer costs more than what it refuses
      turns.take(carrierOf(request) ?? request, () => reject(error));
    };
    const held = new Held(request, () => refuse(crowded()));
    const onTime = unlessBy(until, () => {
      drop();
      reject(new AppError('request_timeout'));
    });
    const arrived = (): void => {
      onTime();
      held.end();
    };
    const gone = (): void => {
      arrived();
      // every request closes, also one that was read to its end
      if (!request.readableEnded) {
        // what was cut off ends all the same
        drop();
        reject(new AppError('invalid_request', { detail: 'The request ended before its body' }));
      }
    };
    // listeners stay: a promise settles once, and taking them off costs more than the request is worth
    request.on('data', (chunk: Buffer) => {
      if (size > limit) return;
      size += chunk.length;
      if (size > limit) return refuse(tooLarge(limit));
      chunks.push(chunk);
      held.grow(size);
    });
    request.on('end', () => {
      arrived();
      // refused, or too late: nobody waits for what it says
      if (size > limit) return;
      try {
        resolve(parse(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
      } catch (thrown) {
        reject(thrown);
      }
    });
    request.on('close', gone);
    // over HTTP/1.1 what was cut off closes, and tells of an error only whom it has to; over HTTP/2 it closes with its answer,
    // which is still to come
    if (request.httpVersionMajor === 2) request.on('error', gone).on('aborted', gone);
  });
