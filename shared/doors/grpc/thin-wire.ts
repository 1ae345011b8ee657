/** The bytes of a unary call around its message: a prefix before it, a status behind it. */
import { type Metadata, status } from '@grpc/grpc-js';
import { MAX_MESSAGE } from '../../grpc/limits.ts';
import type { toStatus } from '../../grpc/status.ts';

export type Failed = ReturnType<typeof toStatus> | { code: status; details: string; metadata?: Metadata };

export const PREFIX = 5;

/** @param length as the prefix says it */
export const tooLarge = (length: number): Failed => ({
  code: status.RESOURCE_EXHAUSTED,
  details: `Received message larger than max (${length} vs ${MAX_MESSAGE})`,
});

/** What is wrong with the bytes of a request, if something is: they have to be one message with its prefix. */
export const faultOf = (bytes: Buffer, path: string): Failed | undefined => {
  const internal = (details: string): Failed => ({ code: status.INTERNAL, details });
  const exactlyOne: Failed = { code: status.UNIMPLEMENTED, details: `${path} takes exactly one message` };
  if (bytes.length < PREFIX) return exactlyOne;
  const [flag] = bytes;
  if (flag! > 1) return internal('A message begins with 0, or with 1 when it is compressed');
  const length = bytes.readUInt32BE(1);
  if (length > MAX_MESSAGE) return tooLarge(length);
  if (bytes.length !== PREFIX + length) return exactlyOne;
  return flag === 1 ? internal('A compressed message needs grpc-encoding') : undefined;
};

/** Of `grpc-message` only what is no visible ASCII, and `%` itself. */
const escaped = (text: string): string => {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  let out = '';
  for (const byte of Buffer.from(text)) {
    out +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte);
  }
  return out;
};

/** The trailers of a call that failed. */
export const trailersOf = ({ code, details, metadata }: Failed): Record<string, string> => {
  const rich = metadata?.get('grpc-status-details-bin')[0];
  return {
    'grpc-status': String(code),
    'grpc-message': escaped(details),
    ...(rich && { 'grpc-status-details-bin': Buffer.from(rich).toString('base64') }),
  };
};

/** A message with its prefix, in one frame. */
export const framed = (message: Buffer): Buffer => {
  const frame = Buffer.allocUnsafe(PREFIX + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX);
  return frame;
};
