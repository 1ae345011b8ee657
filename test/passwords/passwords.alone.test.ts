import { hash as nativeHash } from '@node-rs/argon2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { createPasswords } from '../../shared/passwords/argon2.ts';
import { nativePasswords } from '../../shared/passwords/argon2-native.ts';
import { nodePasswords } from '../../shared/passwords/argon2-node.ts';
import { bounded } from '../../shared/passwords/bounded.ts';
import { PARAMETERS } from '../../shared/passwords/parameters.ts';
import { formatPhc, parsePhc } from '../../shared/passwords/phc.ts';
import { createMetrics } from '../../shared/system/metrics.ts';

const config = loadConfig({});
const native = (await nativePasswords.open({ metrics: createMetrics() }, config)).port;
const node = (await nodePasswords.open({}, config)).port;
const engines = { native, node };
const PASSWORD = 'correct horse battery staple';

/** An engine that counts what it is asked for. */
const counting = () => {
  const asked: { bytes: number; memory: number; passes: number; length: number }[] = [];
  const passwords = createPasswords(async (password, _salt, { memory, passes }, length) => {
    asked.push({ bytes: password.length, memory, passes, length });
    return new Uint8Array(length);
  });
  return { asked, passwords };
};

describe('passwords', () => {
  test.each([
    ['native', 'node'],
    ['node', 'native'],
    ['native', 'native'],
  ] as const)('what %s hashed, %s verifies, and nothing else', async (one, other) => {
    const phc = await engines[one].hash(PASSWORD);
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await engines[other].verify(PASSWORD, phc)).toBe(true);
    expect(await engines[other].verify(`${PASSWORD} `, phc)).toBe(false);
    expect(engines[other].needsRehash(phc)).toBe(false);
  });

  test('the same password is hashed differently each time', async () => {
    expect(await native.hash(PASSWORD)).not.toBe(await native.hash(PASSWORD));
  });

  test.each([
    ['case', 'Correct', 'correct'],
    ['what follows a NUL', 'pass\0word-one', 'pass\0word-two'],
    ['what follows 72 bytes', `${'x'.repeat(72)}a`, `${'x'.repeat(72)}b`],
    ['what follows 1000 characters', `${'é'.repeat(1000)}a`, `${'é'.repeat(1000)}b`],
    ['white space at the end', 'pass', 'pass '],
  ])('%s counts', async (_, one, two) => {
    const phc = await native.hash(one);
    expect(await native.verify(one, phc)).toBe(true);
    expect(await native.verify(two, phc)).toBe(false);
  });

  test('a password is the same however its accents are composed', async () => {
    const phc = await native.hash('Zürich \u212B ﬁnal'.normalize('NFD'));
    expect(await node.verify('Zürich \u00C5 final'.normalize('NFC'), phc)).toBe(true);
  });

  test('hashes that others made verify, and weaker ones want a new hash', async () => {
    const weak = await nativeHash(PASSWORD, { memoryCost: 4096, timeCost: 3, parallelism: 2, outputLen: 24 });
    expect(await native.verify(PASSWORD, weak)).toBe(true);
    expect(await node.verify(PASSWORD, weak)).toBe(true);
    expect(native.needsRehash(weak)).toBe(true);
    const stronger = formatPhc({
      parameters: { memory: 47_104, passes: 1, parallelism: 1 },
      salt: new Uint8Array(16),
      hash: new Uint8Array(32),
    });
    expect(native.needsRehash(stronger)).toBe(false);
    expect(native.needsRehash('$2b$10$abc')).toBe(true);
  });

  test.each([
    ['no hash', undefined],
    ['an empty one', ''],
    ['bcrypt of a broken kind', '$2x$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
    ['argon2i', '$argon2i$v=19$m=4096,t=3,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A'],
    ['another version', '$argon2id$v=16$m=4096,t=3,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A'],
    ['four gigabytes', '$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A'],
    ['a thousand passes', '$argon2id$v=19$m=4096,t=999,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A'],
    ['less than 8 KiB a lane', '$argon2id$v=19$m=8,t=2,p=2$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A'],
    ['a short hash', '$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$iWh06vD8Fy2'],
  ])('%s: the answer is false after the work of a whole hash', async (_, phc) => {
    const { asked, passwords } = counting();
    expect(await passwords.verify(PASSWORD, phc)).toBe(false);
    expect(asked).toEqual([{ bytes: 28, memory: PARAMETERS.memory, passes: PARAMETERS.passes, length: 32 }]);
  });

  test('a stored hash is read as it was written, and nothing that is not one is', () => {
    const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
    fc.assert(
      fc.property(
        fc.integer({ min: 64, max: 131_072 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 8 }),
        bytes(8, 64),
        bytes(16, 64),
        (memory, passes, parallelism, salt, hash) => {
          const text = formatPhc({ parameters: { memory, passes, parallelism }, salt, hash });
          const read = parsePhc(text)!;
          expect(read.parameters).toEqual({ memory, passes, parallelism });
          expect([[...read.salt], [...read.hash]]).toEqual([[...salt], [...hash]]);
          expect(parsePhc(`${text}=`)).toBeUndefined();
          expect(parsePhc(`${text}\n`)).toBeUndefined();
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(parsePhc(any)).toBeUndefined();
        expect(parsePhc(`$argon2id$v=19${any}`)).toBeUndefined();
      }),
    );
  });
});

describe('bounded work', () => {
  test('so many run at a time, so many wait, the rest is told when to come again', async () => {
    const gate = bounded(2, 3);
    let [running, most] = [0, 0];
    const open = Promise.withResolvers<void>();
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await open.promise;
      running -= 1;
      return 'done';
    };
    const all = Array.from({ length: 6 }, () => gate(work));
    await expect(all[5]).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 1 });
    open.resolve();
    expect(await Promise.all(all.slice(0, 5))).toEqual(Array(5).fill('done'));
    expect(most).toBe(2);
    expect(await gate(async () => 'again')).toBe('again');
  });

  test('work that fails gives its place to the next', async () => {
    const gate = bounded(1, 2);
    const failing = gate(() => Promise.reject(new Error('no')));
    const next = gate(async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  test('a flood of logins is refused past the queue instead of piling up', async () => {
    const open = Promise.withResolvers<void>();
    const passwords = createPasswords(async (_p, _s, _c, length) => {
      await open.promise;
      return new Uint8Array(length);
    });
    const all = Array.from({ length: 300 }, () => passwords.verify('x', undefined));
    open.resolve();
    const outcomes = await Promise.allSettled(all);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const each of refused) expect((each as PromiseRejectedResult).reason.code).toBe('too_many_requests');
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(64);
  });
});
