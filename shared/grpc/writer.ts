/** Writes protobuf with one writer: to make a new one for each message costs more than to write most of them. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** What it keeps, bytes: room for a large message is given back. */
const KEPT = 65_536;

/** Of a writer, what its `finish` copies into memory of its own. The library's version is pinned; what is read back is tested. */
interface Within {
  buffer: Uint8Array;
  pos: number;
}

let writer = new BinaryWriter();

/** A message as bytes. @throws what `encode` throws, for a value that has no place in its field */
export const written = <T>(encode: (message: T, writer: BinaryWriter) => unknown, message: T): Buffer => {
  const used = writer;
  try {
    encode(message, used);
  } catch (thrown) {
    // half a message is in it
    writer = new BinaryWriter();
    throw thrown;
  }
  const within = used as unknown as Within;
  const { buffer, pos } = within;
  const bytes = Buffer.allocUnsafe(pos);
  bytes.set(buffer.subarray(0, pos));
  if (buffer.length > KEPT) writer = new BinaryWriter();
  else within.pos = 0;
  return bytes;
};
