/** Reads protobuf as strictly as the specification writes it, where the library is lenient. */
import { isUtf8 } from 'node:buffer';
import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';

const utf8 = (bytes: Uint8Array): string => {
  if (!isUtf8(bytes)) throw new RangeError('a string is not UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
};

/**
 * Strings have to be UTF-8, and fields have a number from 1 to 536,870,911. Tags and lengths that need more than 32 bits are
 * refused instead of cut, by which one field would pose as another. The decoders of proto/gen read both as `uint32`.
 */
export class StrictReader extends BinaryReader {
  /** What was last read as a tag or a length: of a field that nobody knows, its tag. */
  #last = 0;

  constructor(bytes: Uint8Array) {
    super(bytes, utf8);
    const { uint32 } = this;
    this.uint32 = () => {
      const start = this.pos;
      const value = uint32.call(this);
      const size = this.pos - start;
      if (size > 5 || (size === 5 && bytes[this.pos - 1]! > 0x0f))
        throw new RangeError('a tag or length has more than 32 bits');
      this.#last = value;
      return value;
    };
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
