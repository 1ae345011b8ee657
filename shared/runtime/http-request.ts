/** A request as fastify holds it, in the terms of the binding. */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { HttpRequest } from './http-binding.ts';
import { readQuery } from './http-body.ts';

const NONE: Record<string, string> = Object.freeze({});
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

const refuseControl = (values: Record<string, string>): Record<string, string> => {
  for (const name of Object.keys(values)) {
    if (CONTROL.test(values[name]!)) {
      throw new AppError('invalid_request', { errors: [{ path: name, message: 'Has control characters' }] });
    }
  }
  return values;
};

const paramsOf = (params: Record<string, string>): Record<string, string> => {
  // `/users/` is not the user with the empty id
  for (const name of Object.keys(params)) if (params[name] === '') throw new AppError('not_found');
  return refuseControl(params);
};

/** True when a request announces a body; that of a GET is never read. */
export const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0');

/** The host part of an address is no part of the path (`GET http://host/path`, RFC 9112, 3.2.2). */
const pathOf = (url: string): string => {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
};

/**
 * Makes the reader for routes with (`parameters`) or without parameters in their path.
 *
 * @throws AppError `invalid_request` for control characters and repeated names, `not_found` for an empty parameter
 */
export const requestReader =
  (parameters: boolean, ipOf: (peer: string | undefined, forwardedFor?: string) => string | undefined) =>
  (request: FastifyRequest): HttpRequest => {
    const raw = request.raw;
    const { method = 'GET', url = '/' } = raw;
    const headers = raw.headers as Record<string, string | undefined>;
    const search = request.query as string;
    return {
      method,
      path: pathOf(url),
      params: parameters ? paramsOf(request.params as Record<string, string>) : NONE,
      query: search ? refuseControl(readQuery(search)) : NONE,
      headers,
      // null: there is something, which the binding refuses where nothing may be
      body: (method === 'GET' || method === 'HEAD') && announcesBody(raw) ? null : request.body,
      ip: ipOf(raw.socket.remoteAddress, headers['x-forwarded-for']),
    };
  };
