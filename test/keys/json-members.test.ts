import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasDuplicateMembers, parseObject } from '../../shared/keys/json-members.ts';

describe('json members', () => {
  test.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":[],"b":{},"a":1}}',
    '{"x":[1,{"a":1,"a":1}]}',
    '{"a":{"b":1},"c":[2],"a":3}',
    '{"__proto__":1,"__proto__":2}',
    '{"\\"":1,"\\"":2}',
  ])('a name that stands twice is refused: %s', (text) => {
    expect(parseObject(Buffer.from(text))).toBeUndefined();
  });

  test.each([
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"\\"a\\":1,\\"a\\":2"}',
    '{"a":["a","a"],"b":1}',
  ])('names of different objects and texts are no doubles: %s', (text) => {
    expect(hasDuplicateMembers(text)).toBe(false);
  });

  test.each(['', 'null', '[]', '"x"', '1', '{', '{"a":1}x', '{"a":1,}', '\uFEFF{}', "{'a':1}"])(
    'only objects are read: %j',
    (text) => {
      expect(parseObject(Buffer.from(text))).toBeUndefined();
    },
  );

  test('bytes that are not UTF-8 are refused', () => {
    expect(parseObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined();
  });

  test('__proto__ is a member like any other and changes no prototype', () => {
    const read = parseObject(Buffer.from('{"__proto__":{"sub":"x"}}'))!;
    expect(read.sub).toBeUndefined();
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test('what JSON.stringify writes is read back, with any white space', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseObject(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('a member repeated anywhere is found', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(object, fc.nat(), fc.nat(3), (value, pick, depth) => {
        const names = Object.keys(value);
        const doubled = `${JSON.stringify(value).slice(0, -1)},${JSON.stringify(names[pick % names.length])}:0}`;
        expect(hasDuplicateMembers('[{"k":'.repeat(depth) + doubled + '}]'.repeat(depth))).toBe(true);
      }),
    );
  });
});
