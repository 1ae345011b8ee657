/** What a request body and a query string may be: decided once, for every HTTP door. Pure. */
import { AppError } from '../../kit/errors.ts';

/** Body limit in bytes of an operation that declares none. */
export const DEFAULT_LIMIT = 64 * 1024;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
// any letter of the name may be written as an escape, so escapes of ASCII make a text as suspicious as the plain word
const isSuspicious = (text: string): boolean => text.includes('__proto__') || text.includes('\\u00');

const badRequest = (detail: string): AppError => new AppError('invalid_request', { detail });

/** True for `application/json`, alone or with `charset=utf-8` (RFC 8259 knows no other). */
export const isJson = (contentType: string | undefined): boolean => {
  if (contentType === 'application/json') return true;
  const [type, ...parameters] = (contentType ?? '').toLowerCase().split(';');
  return (
    type?.trim() === 'application/json' &&
    parameters.every((parameter) => /^\s*(charset\s*=\s*"?utf-?8"?)?\s*$/.test(parameter))
  );
};

const decode = (bytes: Uint8Array): string => {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw badRequest('The body is not UTF-8');
  }
};

/** Parses JSON and refuses keys that would reach into an object's prototype. Throws AppError `invalid_request`. */
export const parseJson = (text: string): unknown => {
  let poisoned = false;
  const watch = (key: string, value: unknown): unknown => {
    if (key === '__proto__') poisoned = true;
    return value;
  };
  let value: unknown;
  try {
    value = isSuspicious(text) ? JSON.parse(text, watch) : JSON.parse(text);
  } catch {
    throw badRequest('The body is not valid JSON');
  }
  if (poisoned) throw badRequest('The body has a field that is not allowed');
  return value;
};

/**
 * Reads a request body: undefined when it is empty, the parsed JSON otherwise.
 *
 * @param limit bytes
 * @throws AppError `payload_too_large`, `unsupported_media_type` or `invalid_request`, in this order
 * @example readJsonBody({ contentType: 'application/json', body: '{"a":1}', limit: DEFAULT_LIMIT })
 */
export const readJsonBody = ({
  contentType,
  body,
  limit,
}: {
  contentType: string | undefined;
  body: string | Uint8Array | null | undefined;
  limit: number;
}): unknown => {
  if (body === undefined || body === null || body.length === 0) return undefined;
  const size = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  if (size > limit) throw new AppError('payload_too_large', { detail: `A body of at most ${limit} bytes is taken` });
  if (!isJson(contentType)) throw new AppError('unsupported_media_type');
  return parseJson(typeof body === 'string' ? body : decode(body));
};

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

/**
 * The parameters of a path, decoded.
 *
 * @throws AppError `not_found` for an empty one, `invalid_request` for control characters
 */
export const readParams = (params: Record<string, string>): Record<string, string> => {
  // `/users/` is not the user with the empty id
  for (const name of Object.keys(params)) if (params[name] === '') throw new AppError('not_found');
  return refuseControl(params);
};

/**
 * Reads a query string; every name may stand once.
 *
 * @throws AppError `invalid_request` for a repeated name and for control characters
 */
export const readQuery = (query: string | undefined): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query ?? '')) {
    if (Object.hasOwn(found, name) || name === '__proto__') {
      throw new AppError('invalid_request', { errors: [{ path: name.slice(0, 100), message: 'May be given once' }] });
    }
    found[name] = value;
  }
  return refuseControl(found);
};
