/** Reads protobuf as strictly as the specification writes it, where the library is lenient. */
import { isUtf8 } from 'node:buffer';
import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';

/** What a decoder puts in place of bytes that are no UTF-8. */
const REPLACED = '\ufffd';
const NOTHING = Buffer.alloc(0);

/** What the library makes for one message and keeps to itself; its version is pinned. */
interface Within {
  buf: Buffer;
  len: number;
  pos: number;
  view: DataView;
}

/**
 * Strings have to be UTF-8, and fields have a number from 1 to 536,870,911. Tags and lengths that need more than 32 bits are
 * refused instead of cut, by which one field would pose as another. The decoders of proto/gen read both as `uint32`.
 */
export class StrictReader extends BinaryReader {
  /** What was last read as a tag or a length: of a field that nobody knows, its tag. */
  #last = 0;
  #bytes: Buffer = NOTHING;

  constructor() {
    super(NOTHING);
    const { uint32 } = this;
    this.uint32 = () => {
      const start = this.pos;
      const one = this.#bytes[start]!;
      if (one < 0x80) {
        this.pos = start + 1;
        this.#last = one;
        return one;
      }
      const value = uint32.call(this);
      const size = this.pos - start;
      if (size > 5 || (size === 5 && this.#bytes[this.pos - 1]! > 0x0f))
        throw new RangeError('a tag or length has more than 32 bits');
      this.#last = value;
      return value;
    };
  }

  /**
   * Reads a message with `decode`, which has to read it whole; then the next one may come: to make a reader costs more than to
   * read most messages.
   *
   * @throws what `decode` throws, and RangeError for bytes that it left
   */
  whole<T>(bytes: Buffer, decode: (reader: this) => T): T {
    this.#take(bytes);
    try {
      const message = decode(this);
      if (this.pos !== bytes.length) throw new RangeError('a field ends behind its message');
      return message;
    } finally {
      this.#take(NOTHING);
    }
  }

  #take(bytes: Buffer): void {
    const within = this as unknown as Within;
    this.#bytes = bytes;
    within.buf = bytes;
    within.len = bytes.length;
    within.pos = 0;
    within.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  override string(): string {
    const length = this.uint32();
    const start = this.pos;
    const end = start + length;
    if (end > this.len) throw new RangeError('a string ends behind its message');
    this.pos = end;
    const text = this.#bytes.toString('utf8', start, end);
    if (text.includes(REPLACED) && !isUtf8(this.#bytes.subarray(start, end)))
      throw new RangeError('a string is not UTF-8');
    return text;
  }

  /** A negative one has ten bytes. */
  override int32(): number {
    return Number(BigInt.asIntN(32, BigInt(this.int64())));
  }

  override skip(wireType: WireType, fieldNo?: number): Uint8Array {
    if (this.#last >>> 3 === 0) throw new RangeError('no field has the number 0');
    return super.skip(wireType, fieldNo);
  }
}
