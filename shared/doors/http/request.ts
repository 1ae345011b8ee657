/** A request as it came, in the terms of the binding. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../kit/errors.ts';
import type { HttpRequest } from '../binding/binding.ts';
import { type BodyRules, readBodyAs, readParams, readQuery } from '../binding/body.ts';
import type { Door } from './door.ts';
import type { Exchange } from './exchange.ts';
import { readBody } from './read.ts';

const NONE: Record<string, string> = Object.freeze({});

const pathOf = (url: string): string => {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
};

/**
 * Reads and parses the body of a request that announces one.
 *
 * @throws AppError `payload_too_large`, `unsupported_media_type` or `invalid_request`
 */
export const takeBody = (request: IncomingMessage, rules: BodyRules, until: number): Promise<unknown> | null =>
  // null: there is something, which the binding refuses where nothing may be
  request.method === 'GET' || request.method === 'HEAD'
    ? null
    : readBody(request, rules.limit, until, (body) => {
        const { 'content-type': contentType, 'content-encoding': encoding = 'identity' } = request.headers;
        if (encoding.toLowerCase() !== 'identity')
          throw new AppError('unsupported_media_type', {
            detail: 'A body is taken as it is, without content-encoding',
          });
        return readBodyAs({ contentType, body }, rules);
      });

/**
 * The request for the binding.
 *
 * @param parameters whether the route's path has parameters
 * @throws AppError `invalid_request` for control characters and repeated names, `not_found` for an empty parameter
 */
export const toRequest = (
  { request, params, search }: Exchange,
  parameters: boolean,
  body: unknown,
  { ipOf, placeOf }: Pick<Door, 'ipOf' | 'placeOf'>,
): HttpRequest => {
  const { method = 'GET', url = '/' } = request;
  const headers = request.headers as Record<string, string | undefined>;
  return {
    method,
    path: pathOf(url),
    params: parameters ? readParams(params) : NONE,
    query: search ? readQuery(search) : NONE,
    headers,
    body,
    ip: ipOf(request.socket.remoteAddress, headers['x-forwarded-for']),
    place: placeOf && (() => placeOf(request.socket.remoteAddress, headers)),
  };
};
