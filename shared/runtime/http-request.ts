/** A request as fastify holds it, in the terms of the binding. */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import type { HttpRequest } from './http-binding.ts';
import { readJsonBody, readQuery } from './http-body.ts';
import { announcesBody, readBody } from './http-read.ts';

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

const pathOf = (url: string): string => {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
};

/** What a route knows of its requests beforehand. */
export interface Shape {
  /** Whether its path has parameters. */
  parameters: boolean;
  /** Body limit in bytes. */
  limit: number;
}

/**
 * Reads a request.
 *
 * @throws AppError `invalid_request` for control characters, repeated names and bad JSON, `not_found` for an empty
 * parameter, `payload_too_large`, `unsupported_media_type`
 */
export const readRequest = async (
  request: FastifyRequest,
  { parameters, limit }: Shape,
  ipOf: (peer: string | undefined, forwardedFor?: string) => string | undefined,
): Promise<HttpRequest> => {
  const raw = request.raw;
  const { method = 'GET', url = '/' } = raw;
  const headers = raw.headers as Record<string, string | undefined>;
  const search = request.query as string;
  let body: unknown;
  if (announcesBody(raw)) {
    // null: there is something, which the binding refuses where nothing may be
    if (method === 'GET' || method === 'HEAD') body = null;
    else body = readJsonBody({ contentType: headers['content-type'], body: await readBody(raw, limit), limit });
  }
  return {
    method,
    path: pathOf(url),
    params: parameters ? paramsOf(request.params as Record<string, string>) : NONE,
    query: search ? refuseControl(readQuery(search)) : NONE,
    headers,
    body,
    ip: ipOf(raw.socket.remoteAddress, headers['x-forwarded-for']),
  };
};
