/** What may not be read in a log: one list of names and one of shapes, applied to everything that is logged. */
import { ERRORS } from '../kit/errors.ts';

const HIDDEN = '[redacted]';
const MAX_DEPTH = 4;
const MAX_ITEMS = 50;
const MAX_TEXT = 2_000;

/** A field whose name ends so (dashes, underscores and case aside) holds a secret, whatever stands before. */
const SECRET_NAME =
  /(?:password|passwd|passphrase|secret|token|authorization|cookie|credential|apikey|privatekey|masterkey|bearer|otp|code|recoverycode|ticket|assertion|signature|seed|phc|hash|sealed)s?$/;

/** Secrets inside free text: JWTs, bearer and service credentials, secrets in queries and in the user part of URLs. */
const SECRET_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]*\.[\w-]*(?:\.[\w-]*){0,3}/g, HIDDEN],
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, `$1 ${HIDDEN}`],
  [/\bp21[mrs]_[\w.-]+/g, HIDDEN],
  [/\$(?:argon2\w+|2[aby]|scrypt|pbkdf2[\w-]*)\$[^\s"';]+/g, HIDDEN],
  [/((?:password|secret|token|code|ticket)=)[^&\s"'#]+/gi, `$1${HIDDEN}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]*:[^\s/?#"']*@/gi, `$1${HIDDEN}@`],
];

const known = new Map<string, boolean>();
const isSecretName = (name: string): boolean => {
  let secret = known.get(name);
  if (secret === undefined) {
    secret = SECRET_NAME.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''));
    // names come from code, but a map of a caller's may get here: the memory of it stays small
    if (known.size < 1_000) known.set(name, secret);
  }
  return secret;
};

/**
 * `code` is also what errors are called by: those of our table and of the system (`ECONNREFUSED`) may be read; as
 * `error_code`, beside a line's own code, those of our table.
 */
const isErrorCode = (name: string, value: unknown): boolean => {
  if (typeof value !== 'string' || (name !== 'code' && name !== 'error_code')) return false;
  return Object.hasOwn(ERRORS, value) || (name === 'code' && /^E[A-Z]{3,}\w*$/.test(value));
};

const text = (value: string): string => {
  let shown = value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  for (const [pattern, replacement] of SECRET_TEXT) shown = shown.replace(pattern, replacement);
  return shown;
};

const errorFields = (error: Error, depth: number, stack: boolean): object => {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: text(error.message),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(stack && error.stack && { stack: text(error.stack) }),
    ...(error.cause !== undefined && { cause: visit(error.cause, depth + 1, stack) }),
  };
};

const visit = (value: unknown, depth: number, stack: boolean): unknown => {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[deeper]';
  if (value instanceof Error) return errorFields(value, depth, stack);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((each) => visit(each, depth + 1, stack));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const shown: Record<string, unknown> = Object.create(null);
  for (const [key, each] of entries.slice(0, MAX_ITEMS)) {
    const name = String(key);
    const hide = each != null && typeof each !== 'boolean' && isSecretName(name) && !isErrorCode(name, each);
    shown[text(name)] = hide ? HIDDEN : visit(each, depth + 1, stack);
  }
  return shown;
};

/**
 * A copy of log fields without secrets: by name, by shape, four levels deep, of bounded size.
 *
 * Of an error it keeps name, message, code and causes; its stack only where asked (`stack`), other properties never,
 * because drivers put rows and statements there.
 *
 * @example redact({ user_id: 'u1', password: 'hunter2' }) // { user_id: 'u1', password: '[redacted]' }
 */
export const redact = (fields: object, options: { stack?: boolean } = {}): object => {
  const stack = options.stack ?? false;
  return fields instanceof Error ? { error: visit(fields, 1, stack) } : (visit(fields, 1, stack) as object);
};
