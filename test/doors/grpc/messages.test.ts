import { describe, expect, test } from 'vitest';
import {
  BatchValidateTokensResponse,
  ValidateTokenRequest,
  ValidateTokenResponse,
} from '../../../proto/gen/auth_service.ts';
import { StrictReader } from '../../../shared/grpc/reader.ts';
import { written } from '../../../shared/grpc/writer.ts';

const answer = (text: string, permissions: string[] = []) => ({
  valid: true,
  user_id: text,
  permissions,
  expires_at: 1_800_000_000,
  error_message: '',
  warnings: ['ä'],
});

describe('one writer', () => {
  test.each([
    ['short', answer('a')],
    ['of no ASCII', answer('ü€𝄞'.repeat(100))],
    [
      'large',
      answer(
        'x',
        Array.from({ length: 20_000 }, (_, n) => `document:${n}`),
      ),
    ],
    ['short again', answer('b')],
  ])('writes what a new one would write: %s', (_, message) => {
    const bytes = written(ValidateTokenResponse.encode, message);
    expect(bytes.equals(ValidateTokenResponse.encode(message).finish())).toBe(true);
  });

  test('leaves alone what it wrote before', () => {
    const first = written(ValidateTokenResponse.encode, answer('a'));
    const before = Buffer.from(first);
    written(ValidateTokenResponse.encode, answer('c'.repeat(500)));
    expect(first.equals(before)).toBe(true);
  });

  test('begins anew after a message that it could not write', () => {
    const bad = { results: [answer('a'), { ...answer('b'), expires_at: 0.5 }] };
    expect(() => written(BatchValidateTokensResponse.encode, bad)).toThrow();
    expect(written(ValidateTokenResponse.encode, answer('d'))).toEqual(
      Buffer.from(ValidateTokenResponse.encode(answer('d')).finish()),
    );
  });
});

describe('one reader', () => {
  const reader = new StrictReader();
  const read = (bytes: Buffer) => reader.whole(bytes, ValidateTokenRequest.decode);
  const field = (number: number, text: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), text]);

  test.each(['a', 'ü€𝄞', '\ufffd', '\ufeffa'])('reads text as it was written: %j', (text) => {
    expect(read(field(1, Buffer.from(text))).token).toBe(text);
  });

  test.each([
    ['what is no UTF-8', field(1, Buffer.from('61ff', 'hex'))],
    ['a surrogate', field(1, Buffer.from('eda080', 'hex'))],
    ['half a character', field(1, Buffer.from('e282', 'hex'))],
    ['text that ends behind the message', Buffer.from('0a0561', 'hex')],
    ['a length of more than 32 bits', Buffer.from('0affffffff7f', 'hex')],
    ['the field 0', Buffer.from('0200', 'hex')],
    ['a field without its value', Buffer.from('0a', 'hex')],
  ])('refuses %s, and reads the next message', (_, bytes) => {
    expect(() => read(bytes)).toThrow();
    expect(read(field(1, Buffer.from('next'))).token).toBe('next');
  });
});
