/** Writing an answer, past fastify's own serialization: it is a string already. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpResponse } from './http-binding.ts';
import { announcesBody } from './http-read.ts';

export interface Reply extends Omit<HttpResponse, 'body'> {
  body?: string | Uint8Array;
}

/**
 * Makes the writer of answers.
 *
 * @param stopping true once connections should end with their answer
 */
export const replier =
  (stopping: () => boolean) =>
  (
    request: FastifyRequest,
    reply: FastifyReply,
    { status, headers, body }: Reply,
    security: Readonly<Record<string, string>>,
  ): void => {
    reply.hijack();
    const { raw: incoming } = request;
    const response = reply.raw;
    const fields: Record<string, string | number> = { ...security, ...headers };
    if (status !== 204) fields['content-length'] = body === undefined ? 0 : Buffer.byteLength(body);
    // a body that nobody read makes the next request unreadable
    const unread = !incoming.complete && announcesBody(incoming);
    if (incoming.httpVersionMajor === 1 && (unread || stopping())) fields.connection = 'close';
    response.writeHead(status, fields);
    response.end(incoming.method === 'HEAD' ? undefined : body);
  };
