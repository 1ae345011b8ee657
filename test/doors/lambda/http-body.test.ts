import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJson, parseJson, readBodyAs, readParams, readQuery } from '../../../shared/doors/binding/body.ts';
import { AppError } from '../../../shared/kit/errors.ts';

const read = (body: string | Uint8Array, contentType = 'application/json', limit = 1_000_000) =>
  readBodyAs({ body, contentType }, { kinds: ['json'], limit });

describe('a request body', () => {
  test('is what JSON.parse says, as text and as bytes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/__proto__|\\u005/i.test(text));
        expect(read(text)).toEqual(JSON.parse(text));
        expect(read(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('never fails with anything but an AppError', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, contentType) => {
        try {
          read(bytes, contentType);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AppError);
        }
      }),
    );
  });

  test('never reaches a prototype, however the key is written', () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__', '_\\u005Fproto__']) {
      expect(() => parseJson(`{"a":[{"${key}":{"x":1}}]}`)).toThrow(AppError);
    }
    expect(parseJson('{"a":"__proto__"}')).toEqual({ a: '__proto__' });
  });

  test('is measured in bytes, not in characters', () => {
    expect(() => read('"üü"', 'application/json', 5)).toThrow(expect.objectContaining({ code: 'payload_too_large' }));
    expect(read('"üü"', 'application/json', 6)).toBe('üü');
  });

  test('may be empty, whatever its type', () => {
    expect(read('', 'text/plain')).toBeUndefined();
  });

  test('is JSON by its media type alone', () => {
    for (const type of ['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"']) {
      expect([type, isJson(type)]).toEqual([type, true]);
    }
    for (const type of [undefined, '', 'text/json', 'application/jsonp', 'application/json; charset=utf-16']) {
      expect([type, isJson(type)]).toEqual([type, false]);
    }
  });
});

describe('a query', () => {
  test('gives back what URLSearchParams wrote', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), (fields) => {
        fc.pre(!Object.hasOwn(fields, '__proto__'));
        expect(readQuery(new URLSearchParams(fields).toString())).toEqual({ ...fields });
      }),
    );
  });

  test('and a path have no control characters', () => {
    for (const query of ['a=%00', 'a=1%0a2', 'a=%7f']) expect(() => readQuery(query)).toThrow(AppError);
    expect(() => readParams({ id: 'a\u0000b' })).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(() => readParams({ id: '' })).toThrow(expect.objectContaining({ code: 'not_found' }));
  });

  test('says a name once', () => {
    for (const query of ['a=1&a=2', '__proto__=1', 'a&a']) expect(() => readQuery(query)).toThrow(AppError);
  });
});
