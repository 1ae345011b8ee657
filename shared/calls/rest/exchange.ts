/** One request over HTTP and its whole answer. */
import { type Agent, type IncomingHttpHeaders, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { bodyOf } from '../../system/http-get.ts';

const MAX_BYTES = 16 * 1024 * 1024;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Read as JSON where it says that it is; a text otherwise, and undefined when empty. */
  body: unknown;
}

/** Why there is no answer, and whether the request may have been done. */
export class NoAnswer extends Error {
  readonly sent: boolean;
  readonly late: boolean;

  constructor(cause: unknown, about: { sent: boolean; late: boolean }) {
    super('there is no answer', { cause });
    this.sent = about.sent;
    this.late = about.late;
  }
}

const read = (text: string, type = ''): unknown => {
  if (text === '') return undefined;
  return /^application\/(.+\+)?json\b/.test(type) ? JSON.parse(text) : text;
};

/**
 * Sends it and reads the answer, until `signal` aborts.
 *
 * @throws NoAnswer for all that is no whole answer
 */
export const exchange = (
  url: URL,
  options: { method: string; headers: Record<string, string>; body?: string; agent: Agent; signal: AbortSignal },
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { body, signal, ...rest } = options;
    let sent = false;
    const failed = (cause: unknown): void => reject(new NoAnswer(cause, { sent, late: signal.aborted }));
    const call = url.protocol === 'https:' ? secure : plain;
    const request = call(url, { ...rest, signal }, (response) => {
      const { headers, statusCode: status = 0 } = response;
      bodyOf(response, MAX_BYTES)
        .then((bytes) => resolve({ status, headers, body: read(bytes.toString('utf8'), headers['content-type']) }))
        .catch(failed);
    });
    // what waits for a connection was not sent; a socket that was kept open is one already
    request.on('socket', (socket) => {
      if (!socket.connecting) sent = true;
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => (sent = true));
    });
    request.on('error', failed);
    request.end(body);
  });
