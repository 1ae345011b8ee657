/**
 * Documents of other servers over HTTP.
 *
 * By node:http: fetch brings a parser of its own, and what V8 needs to compile that takes 25 MB and as much time as the
 * rest of a sidecar's start.
 */
import { type IncomingMessage, get as plain } from 'node:http';
import { get as secure } from 'node:https';

export interface Answered {
  status: number;
  body: Buffer;
}

export interface Bounds {
  /** Ms until the last byte. */
  ms: number;
  /** Bytes of the body. */
  most: number;
}

/** How a document is got: what tests put another thing in the place of. */
export type HttpGet = (url: string, bounds: Bounds) => Promise<Answered>;

/** The whole body. @throws when there are more than `most` bytes, and reads no further */
export const bodyOf = async (message: IncomingMessage, most: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/**
 * Gets it, whatever its status. A redirect is an answer like others and is not followed.
 *
 * @throws when there is no whole answer within the bounds
 * @example const { status, body } = await httpGet('https://id.example.org/.well-known/jwks.json', { ms: 3_000, most: 65_536 });
 */
export const httpGet: HttpGet = (url, { ms, most }) =>
  new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? secure : plain;
    const request = get(url, { signal: AbortSignal.timeout(ms) }, (message) => {
      bodyOf(message, most).then((body) => resolve({ status: message.statusCode!, body }), reject);
    });
    request.on('error', reject);
  });
