import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter, readRows, TOO_LONG } from '../../shared/doors/binding/ndjson.ts';
import { RowFault } from '../../shared/kit/stream.ts';

const shown = (value: unknown) => (value instanceof RowFault ? value.error.code : value);
async function* cut(bytes: Buffer, borders: readonly number[]) {
  const places = [...borders.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const to of places) {
    yield bytes.subarray(from, to);
    from = to;
  }
}
const rowsOf = async (text: string | Buffer, borders: readonly number[] = [], limit = 1_000) => {
  const rows: unknown[] = [];
  for await (const row of readRows(cut(Buffer.from(text), borders), limit)) rows.push(shown(row));
  return rows;
};

describe('lines of JSON', () => {
  const borders = fc.array(fc.nat(), { maxLength: 20 });
  const values = fc.array(fc.jsonValue().filter((value) => !JSON.stringify(value).includes('__proto__')));
  const ends = fc.constantFrom('\n', '\r\n', '\n\n', '\r\n\n', '\n\r\n');

  test('are the values that were written, wherever the bytes are cut, characters included', async () => {
    await fc.assert(
      fc.asyncProperty(values, ends, fc.boolean(), borders, async (written, end, last, places) => {
        const lines = written.map((value) => JSON.stringify(value));
        // the last line may lack its end
        const text = lines.join(end) + (last ? end : '');
        expect(await rowsOf(text, places, 100_000)).toEqual(JSON.parse(JSON.stringify(written)));
      }),
    );
  });

  test('give the same rows and faults for any bytes, wherever they are cut', async () => {
    const bytes = fc.array(
      fc.oneof(
        fc.constantFrom('\n', '\r', '\r\n', '{"a":1}', '"é中😀"', '{', ' ', '\u0000').map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 12 }).map((each) => Buffer.from(each)),
      ),
    );
    await fc.assert(
      fc.asyncProperty(bytes, borders, async (parts, places) => {
        const text = Buffer.concat(parts);
        expect(await rowsOf(text, places, 16)).toEqual(await rowsOf(text, [], 16));
      }),
    );
  });

  test('that are broken cost themselves only', async () => {
    const text = '1\n{"a":\n"\\ud"\n{"__proto__":{}}\n2\n';
    expect(await rowsOf(text)).toEqual([1, 'invalid_request', 'invalid_request', 'invalid_request', 2]);
    const notUtf8 = Buffer.concat([Buffer.from('1\n"'), Buffer.from([0xff]), Buffer.from('"\n2')]);
    expect(await rowsOf(notUtf8)).toEqual([1, 'invalid_request', 2]);
  });

  test('may be as long as the limit, with either end, and no longer', async () => {
    for (const end of ['\n', '\r\n', '']) {
      expect(await rowsOf(`"${'x'.repeat(8)}"${end}`, [], 10)).toEqual(['xxxxxxxx']);
      expect(await rowsOf(`"${'x'.repeat(9)}"${end}`, [], 10)).toEqual(['payload_too_large']);
    }
    expect(await rowsOf(`"${'x'.repeat(50)}"\n1\n`, [], 10)).toEqual(['payload_too_large', 1]);
  });

  test('without an end are known as too long at once, and keep nothing', () => {
    const splitter = new LineSplitter(10);
    expect(splitter.push(Buffer.alloc(12, 'x'))).toEqual([TOO_LONG]);
    for (let n = 0; n < 1_000; n++) expect(splitter.push(Buffer.alloc(1_000, 'x'))).toEqual([]);
    expect(splitter.push(Buffer.from('x\n1\n'))).toEqual([Buffer.from('1')]);
    expect(splitter.end()).toEqual([]);
  });
});
