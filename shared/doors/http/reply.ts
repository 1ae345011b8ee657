/** Writing an answer: its body is a string already. */
import { constants, type Http2ServerResponse } from 'node:http2';
import type { HttpResponse } from '../binding/binding.ts';
import type { Exchange } from './exchange.ts';
import { announcesBody } from './read.ts';

export interface Reply extends Omit<HttpResponse, 'body'> {
  body?: string | Uint8Array;
  /** Of a head: its connection ends with it, for nobody sends a second request behind what goes on as long as he listens. */
  endless?: boolean;
}

const closeStream = (response: unknown): void =>
  (response as Http2ServerResponse).stream?.close(constants.NGHTTP2_NO_ERROR);

/** Names and values in turn, which Node takes quicker than an object; what an answer says itself stands before the defaults. */
const fieldsOf = (
  headers: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>>,
): (string | number)[] => {
  const fields: (string | number)[] = [];
  for (const name in headers) fields.push(name, headers[name]!);
  for (const name in defaults) if (!(name in headers)) fields.push(name, defaults[name]!);
  return fields;
};

/**
 * Makes the writer of answers.
 *
 * @param stopping true once connections should end with their answer
 */
export const replier =
  (stopping: () => boolean) =>
  (
    { request: incoming, response }: Exchange,
    { status, headers, body }: Reply,
    security: Readonly<Record<string, string>>,
  ): void => {
    const fields = fieldsOf(headers, security);
    const length = body === undefined ? 0 : Buffer.byteLength(body);
    if (status !== 204) fields.push('content-length', length);
    // after a body that nobody read, HTTP/1.1 can't tell where the next request begins
    const unread = !incoming.readableEnded && announcesBody(incoming);
    if (incoming.httpVersionMajor === 1 && (unread || stopping())) fields.push('connection', 'close');
    response.writeHead(status, fields);
    // RFC 9113, 8.1: the rest of a body that decided nothing is not wanted
    if (incoming.httpVersionMajor === 2 && unread) response.once('finish', () => closeStream(response));
    // a text of as many bytes as characters is ASCII, which Node writes faster as latin1
    if (incoming.method === 'HEAD') response.end();
    else response.end(body, typeof body === 'string' && body.length === length ? 'latin1' : 'utf8');
  };

/** Makes the writer of heads whose body follows piece by piece. */
export const beginner =
  (stopping: () => boolean) =>
  (
    { request: incoming, response }: Exchange,
    { status, headers, endless }: Reply,
    security: Readonly<Record<string, string>>,
  ): void => {
    const fields = fieldsOf(headers, security);
    const unread = !incoming.readableEnded && announcesBody(incoming);
    if (incoming.httpVersionMajor === 1 && (unread || endless || stopping())) fields.push('connection', 'close');
    response.writeHead(status, fields);
    response.flushHeaders();
    if (incoming.httpVersionMajor === 2 && unread) response.once('finish', () => closeStream(response));
  };
