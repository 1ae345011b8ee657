import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generate } from '../../infra/generate/common-passwords.ts';
import { checkPassword } from '../../shared/passwords/password-policy.heavy.ts';

const FILE = new URL('../../shared/passwords/generated/common-passwords.ts', import.meta.url);
const { COMMON_PASSWORDS } = await import(FILE.href);
const context = ['anna.smith', 'anna_s'];
const reasonOf = (password: string, min_length = 15) => checkPassword(password, { min_length, context })?.reason;

describe('password policy', () => {
  test.each([
    'the rain in spain falls mainly',
    'football elephant butterfly',
    'Grüße aus dem schönen Ländle',
    '四方八方に雨が降るそして風が吹く日',
    'k8#Vq2!mZr7@pLx',
    '        fifteen        ',
    'my cat Anna likes long walks',
  ])('accepted without rules of composition: %j', (password) => {
    expect(reasonOf(password)).toBeUndefined();
  });

  test('length is counted in code points', () => {
    const words = '🐎🔋🍀🌧🚲🌻🎈🧲🪐🧊🦊🎻🧵🪁🧩';
    expect([...words]).toHaveLength(15);
    expect(reasonOf(words)).toBeUndefined();
    expect(reasonOf([...words].slice(1).join(''))).toMatch(/^This password is too short. Use at least 15 characters/);
    expect(reasonOf('k8#Vq2!m', 8)).toBeUndefined();
    expect(reasonOf('k8#Vq2!', 8)).toMatch(/at least 8/);
  });

  test('1024 code points are accepted, 1025 and a megabyte are refused at once', () => {
    const long = Array.from({ length: 1024 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join('');
    expect(reasonOf(long)).toBeUndefined();
    expect(reasonOf(`${long}x`)).toMatch(/at most 1024/);
    const started = performance.now();
    expect(reasonOf('x'.repeat(1_000_000))).toMatch(/at most 1024/);
    expect(performance.now() - started).toBeLessThan(50);
  });

  test.each(['aaaaaaaaaaaaaaaaaa', 'abababababababab', 'annaannaannaanna', '😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀'])(
    'repetitions are refused: %s',
    (password) => {
      expect(reasonOf(password)).toMatch(/repeats the same few characters/);
    },
  );

  test.each(['abcdefghijklmnop', 'ABCDEFGHIJKLMNOP', '123456789012345', '987654321098765', 'zyxwvutsrqponmlk'])(
    'sequences are refused: %s',
    (password) => {
      expect(reasonOf(password)).toMatch(/is a sequence/);
    },
  );

  test.each([
    'pocketpocketpocketpocket',
    'hunter2!hunter2!hunter2!hunt',
    '密码密码密码密码密码密码密码密码',
    'x9!'.repeat(22),
  ])('a short word again and again is refused, and the rule is told: %s', (password) => {
    expect(reasonOf(password)).toMatch(/^This password repeats the same few characters \(\d+ of them\)/);
  });

  test.each(['1q2w3e4r5t6y7u8i9o0p', 'abcdefgh12345678', 'mnbvcxz;lkjhgfdsa', 'poiuytrewqasdfghjkl'])(
    'runs over the keyboard or the alphabet are refused: %s',
    (password) => {
      expect(reasonOf(password)).toMatch(/is a run over the keyboard, the alphabet or the digits/);
    },
  );

  test.each([
    'correcthorsebatterystaple',
    'Correct horse, battery staple!',
    'administratoradmin',
    'letmeinletmeinletmein',
    'letmein letmein letmein',
    '1qaz2wsx3edc4rfv',
    'admin-welcome-2026',
    'to be or not to be that is the question',
  ])('what is tried first among long ones is refused: %s', (password) => {
    expect(reasonOf(password)).toMatch(/one of the most common/);
  });

  test.each([
    'passwordpassword',
    'Password1234567',
    'iloveyou!iloveyou!',
    'qwertyuiopasdfg',
    'sunshine-football',
    'ＰＡＳＳＷＯＲＤ1234567',
  ])('common passwords, twice or with a little more, are refused: %s', (password) => {
    expect(reasonOf(password)).toMatch(/most common/);
  });

  test.each([
    'perfect21perfect21',
    'Perfect21-2026!!',
    'anna.smith-2026',
    'ANNA_S-anna.smith',
    'smith-anna-smith',
    'Anna.Smith.12345',
    'annasmith anna smith',
  ])('names are refused: %s', (password) => {
    expect(reasonOf(password)).toMatch(/mostly your name, your e-mail address or the name of this service/);
  });

  test('a lone surrogate is no character', () => {
    expect(reasonOf('fifteen letters\uD800')).toMatch(/not valid Unicode/);
  });

  test('every common password is refused where eight characters are enough', () => {
    const words = brotliDecompressSync(Buffer.from(COMMON_PASSWORDS, 'base64')).toString().split(' ');
    expect(words.length).toBeGreaterThanOrEqual(3000);
    for (const word of words) {
      expect([...word].length).toBeGreaterThanOrEqual(8);
      expect(reasonOf(word, 8)).toBeDefined();
      expect(reasonOf(word.toUpperCase(), 8)).toBeDefined();
    }
  });

  test('the reason tells nothing of the password, and any text gets an answer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.string()), (password, words) => {
        const found = checkPassword(password, { min_length: 8, context: words });
        if (found) expect(found.reason).toMatch(/^This password (is|has|repeats) [^\n]{10,140}$/);
      }),
    );
  });

  test('the generated list is fresh, and small enough for a function', () => {
    for (const { path, content } of generate()) {
      const committed = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
      expect(committed).toBe(content);
      expect(content.length).toBeLessThan(40_000);
    }
  });
});
