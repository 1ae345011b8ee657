/** What a request body and a query string may be: decided once, for every HTTP door. Pure. */
import { isAscii } from 'node:buffer';
import type { BodyKind } from '../../kit/binding.ts';
import { AppError } from '../../kit/errors.ts';
import { type FormFields, parseForm } from './form.ts';

/** Body limit in bytes of an operation that declares none. */
export const DEFAULT_LIMIT = 64 * 1024;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
// any letter of the name may be written as an escape, so escapes of ASCII make a text as suspicious as the plain word; a token has
// many underscores that begin no such word, and quotes are few
const isSuspicious = (text: string): boolean => text.includes('"__proto__"') || text.includes('\\u00');

const badRequest = (detail: string): AppError => new AppError('invalid_request', { detail });

const FORM = 'application/x-www-form-urlencoded';

/** Whether a content type is `type`, alone or with `charset=utf-8` (RFC 8259 knows no other for JSON). */
export const isType = (contentType: string | undefined, type: string): boolean => {
  if (contentType === type) return true;
  const [first, ...parameters] = (contentType ?? '').toLowerCase().split(';');
  return (
    first?.trim() === type && parameters.every((parameter) => /^\s*(charset\s*=\s*"?utf-?8"?)?\s*$/.test(parameter))
  );
};

/** True for `application/json`, alone or with `charset=utf-8`. */
export const isJson = (contentType: string | undefined): boolean => isType(contentType, 'application/json');

/** @param what is told of in the error. @throws AppError `invalid_request` for bytes that are no UTF-8 */
export const decode = (bytes: Uint8Array, what = 'The body'): string => {
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  try {
    return UTF8.decode(bytes);
  } catch {
    throw badRequest(`${what} is not UTF-8`);
  }
};

/**
 * Parses JSON and refuses keys that would reach into an object's prototype.
 *
 * @param what is told of in the error
 * @throws AppError `invalid_request`
 */
export const parseJson = (text: string, what = 'The body'): unknown => {
  let poisoned = false;
  const watch = (key: string, value: unknown): unknown => {
    if (key === '__proto__') poisoned = true;
    return value;
  };
  let value: unknown;
  try {
    value = isSuspicious(text) ? JSON.parse(text, watch) : JSON.parse(text);
  } catch {
    throw badRequest(`${what} is not valid JSON`);
  }
  if (poisoned) throw badRequest(`${what} has a field that is not allowed`);
  return value;
};

/** What a binding takes as a body. */
export interface BodyRules {
  kinds: readonly BodyKind[];
  /** For kind `form`. */
  form?: () => FormFields;
  /** Bytes. */
  limit: number;
}

const mediaTypes = (kinds: readonly BodyKind[]): string =>
  kinds.map((kind) => (kind === 'form' ? FORM : 'application/json')).join(' or ');

/**
 * Reads a request body: undefined when it is empty, its fields otherwise.
 *
 * @throws AppError `payload_too_large`, `unsupported_media_type` or `invalid_request`, in this order
 * @example readBodyAs({ contentType: 'application/json', body: '{"a":1}' }, { kinds: ['json'], limit: DEFAULT_LIMIT })
 */
export const readBodyAs = (
  { contentType, body }: { contentType: string | undefined; body: string | Uint8Array | null | undefined },
  { kinds, form, limit }: BodyRules,
): unknown => {
  if (body === undefined || body === null || body.length === 0) return undefined;
  const size = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  if (size > limit) throw new AppError('payload_too_large', { detail: `A body of at most ${limit} bytes is taken` });
  // what takes no body at all says so itself
  if (kinds.length === 0) return null;
  const text = (): string => (typeof body === 'string' ? body : decode(body));
  if (kinds.includes('json') && isJson(contentType)) return parseJson(text());
  if (form && kinds.includes('form') && isType(contentType, FORM)) return parseForm(text(), form());
  throw new AppError('unsupported_media_type', { detail: `Send ${mediaTypes(kinds)}` });
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
