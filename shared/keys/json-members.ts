/** JSON objects in which no name stands twice, at any depth (RFC 7515 §4 and RFC 7519 §4 leave refusing them to us). */
import { isUtf8 } from 'node:buffer';

/** The end of the string literal that starts at `start`: the position after its closing quote. */
const endOfString = (json: string, start: number): number => {
  let at = start + 1;
  while (json.charCodeAt(at) !== 0x22) at += json.charCodeAt(at) === 0x5c ? 2 : 1;
  return at + 1;
};

/** Whether an object of this text names a member twice. The text must be valid JSON; names are compared unescaped. */
export const hasDuplicateMembers = (json: string): boolean => {
  // one entry for each open bracket: the names so far of an object, undefined for an array
  const open: (Set<string> | undefined)[] = [];
  let nameNext = false;
  for (let at = 0; at < json.length; at += 1) {
    const char = json.charCodeAt(at);
    if (char === 0x22) {
      const end = endOfString(json, at);
      if (nameNext) {
        const literal = json.slice(at, end);
        const name: string = literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1);
        const names = open.at(-1)!;
        if (names.has(name)) return true;
        names.add(name);
        nameNext = false;
      }
      at = end - 1;
    } else if (char === 0x7b) {
      open.push(new Set());
      nameNext = true;
    } else if (char === 0x5b) {
      open.push(undefined);
      nameNext = false;
    } else if (char === 0x7d || char === 0x5d) {
      open.pop();
      nameNext = false;
    } else if (char === 0x2c) nameNext = open.at(-1) !== undefined;
  }
  return false;
};

/**
 * Reads bytes as one JSON object: UTF-8 without a byte order mark, a plain object, no name twice.
 *
 * @returns undefined for anything else
 * @example parseObject(Buffer.from('{"a":1,"\\u0061":2}')) // undefined
 */
export const parseObject = (bytes: Uint8Array): Record<string, unknown> | undefined => {
  if (!isUtf8(bytes)) return undefined;
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // what writes itself back says nothing twice, which is quicker to see than to look for
  const plain = JSON.stringify(value) === text || !hasDuplicateMembers(text);
  return plain ? (value as Record<string, unknown>) : undefined;
};
