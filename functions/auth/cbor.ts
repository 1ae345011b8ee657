/** CBOR as authenticators write it (RFC 8949, CTAP2 canonical form): lengths that are known, no tags, no floats, no key twice. */

/** What is no such text. */
export class NotCbor extends Error {}

export type Cbor = number | string | boolean | null | undefined | Uint8Array | Cbor[] | Map<number | string, Cbor>;

/** Attestation nests four deep. */
const DEEPEST = 8;
const SIMPLE = new Map<number, Cbor>([
  [20, false],
  [21, true],
  [22, null],
  [23, undefined],
]);

class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.at) throw new NotCbor('it ends too early');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #argument(more: number): number {
    if (more < 24) return more;
    if (more === 24) return this.#take(1).readUInt8();
    if (more === 25) return this.#take(2).readUInt16BE();
    if (more === 26) return this.#take(4).readUInt32BE();
    throw new NotCbor('a length that is not known, or beyond 32 bits');
  }

  value(depth = 0): Cbor {
    if (depth > DEEPEST) throw new NotCbor('it nests too deep');
    const head = this.#take(1).readUInt8();
    const [kind, more] = [head >> 5, head & 31];
    if (kind === 7) {
      if (!SIMPLE.has(more)) throw new NotCbor('a float, or a simple value that nobody uses');
      return SIMPLE.get(more);
    }
    const argument = this.#argument(more);
    if (kind === 0) return argument;
    if (kind === 1) return -1 - argument;
    if (kind === 2) return new Uint8Array(this.#take(argument));
    if (kind === 3) return new TextDecoder('utf-8', { fatal: true }).decode(this.#take(argument));
    if (kind === 4) return this.#list(argument, depth);
    if (kind === 5) return this.#map(argument, depth);
    throw new NotCbor('a tag');
  }

  #list(length: number, depth: number): Cbor[] {
    const list: Cbor[] = [];
    // each takes a byte at least, so that a length that lies ends at once
    for (let n = 0; n < length; n++) list.push(this.value(depth + 1));
    return list;
  }

  #map(length: number, depth: number): Map<number | string, Cbor> {
    const map = new Map<number | string, Cbor>();
    for (let n = 0; n < length; n++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'number' && typeof key !== 'string') throw new NotCbor('a key that is no number and no text');
      if (map.has(key)) throw new NotCbor('a key that is there twice');
      map.set(key, this.value(depth + 1));
    }
    return map;
  }
}

/**
 * Reads the value that stands first, and says how many bytes it takes.
 *
 * @throws NotCbor, TypeError for text that is no UTF-8
 * @example readCbor(Buffer.from('a10102', 'hex')).value // Map { 1 => 2 }
 */
export const readCbor = (bytes: Uint8Array): { value: Cbor; length: number } => {
  const reader = new Reader(bytes);
  const value = reader.value();
  return { value, length: reader.at };
};
