/** HTTP/2 frames (RFC 9113) as gRPC calls need them. */

export const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8] as const;
export const [ACK, END_STREAM, END_HEADERS] = [1, 1, 4] as const;
export const FRAME_HEAD = 9;

export const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** A short text as an HPACK string (RFC 7541, 5.2), without Huffman coding. */
const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);

/** Header fields of a call: indexed where the static table has them, literal and never indexed otherwise. */
const headersOf = (path: string, authorization?: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    Buffer.concat([Buffer.from([0x04]), text(path)]),
    Buffer.concat([Buffer.from([0x01]), text('localhost')]),
    Buffer.concat([Buffer.from([0x00]), text('content-type'), text('application/grpc')]),
    Buffer.concat([Buffer.from([0x00]), text('te'), text('trailers')]),
    ...(authorization ? [Buffer.from([0x00]), text('authorization'), text(authorization)] : []),
  ]);

const prefixed = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

export const uint32 = (value: number): Buffer => {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
};

/** A whole call on stream 0, to be copied and numbered: its frames, and where the second of them begins. */
export const callOf = (path: string, message: Buffer, authorization?: string): { head: number; bytes: Buffer } => {
  const head = frame(HEADERS, END_HEADERS, 0, headersOf(path, authorization));
  return { head: head.length, bytes: Buffer.concat([head, frame(DATA, END_STREAM, 0, prefixed(message))]) };
};
