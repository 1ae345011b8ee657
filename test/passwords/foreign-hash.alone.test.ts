/** Passwords that other systems hashed, by vectors that those published. */
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { nativePasswords } from '../../shared/passwords/argon2-native.ts';
import { nodePasswords } from '../../shared/passwords/argon2-node.ts';
import { createMetrics } from '../../shared/system/metrics.ts';

const config = loadConfig({});
const engines = {
  native: (await nativePasswords.open({ metrics: createMetrics() }, config)).port,
  node: (await nodePasswords.open({}, config)).port,
};

const RFC7914 =
  '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
const FIREBASE =
  '$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==';

const VECTORS: readonly (readonly [source: string, password: string, hash: string])[] = [
  ['jBCrypt', 'a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
  ['passlib bcrypt', 'password', '$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m'],
  [
    'RFC 7914',
    'pleaseletmein',
    `$scrypt$ln=14,r=8,p=1$${Buffer.from('SodiumChloride').toString('base64')}$${Buffer.from(RFC7914, 'hex').toString('base64')}`,
  ],
  [
    'passlib scrypt',
    'password',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
  ],
  ['Firebase', 'user1password', FIREBASE],
  [
    'passlib PBKDF2',
    'toomanysecrets',
    '$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk',
  ],
  ['RFC 6070', 'password', '$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE'],
  ['RFC 6070 as passlib has it', 'password', '$pbkdf2$4096$c2FsdA$SwB5AbdlSJq.rUnZJvch0GWkKcE'],
  ['Django', 'lètmein', 'pbkdf2_sha256$260000$seasalt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo='],
];

describe.each(Object.entries(engines))('by the %s engine', (_, passwords) => {
  test.each(VECTORS)('a hash of %s is checked, and is to be made anew', async (_, password, hash) => {
    expect(passwords.reads(hash)).toBe(true);
    expect(await passwords.verify(password, hash)).toBe(true);
    expect(await passwords.verify(`${password}x`, hash)).toBe(false);
    expect(await passwords.verify('', hash)).toBe(false);
    expect(passwords.needsRehash(hash)).toBe(true);
  });

  test('what bcrypt would not look at does not count as right', async () => {
    const hash = '$2b$04$JykWZ.F6kgEBVWZ9IUdbTuKTdhRrlWlW8l/eVLnx7g5jIF1y0hL4q';
    expect(await passwords.verify('x'.repeat(73), hash)).toBe(false);
  });

  test('many at once, of all kinds, each get their own answer', async () => {
    const jobs = VECTORS.flatMap(([, password, hash]) => [
      passwords.verify(password, hash),
      passwords.hash(password).then((own) => passwords.verify(password, own)),
      passwords.verify('wrong', hash).then((right) => !right),
    ]);
    expect(new Set(await Promise.all(jobs))).toEqual(new Set([true]));
  });
});

test.each([
  '$2b$14$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe',
  '$2b$03$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe',
  '$2x$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe',
  '$2b$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfx',
  '$scrypt$ln=18,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$scrypt$ln=14,r=8,p=9$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$scrypt$ln=0,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$scrypt$ln=14,r=8,p=1$c2FsdA$AAAA',
  '$pbkdf2-sha256$2000001$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$pbkdf2-md5$1000$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$pbkdf2-sha256$1000$$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  '$argon2id$v=19$m=4194304,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'md5$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'violet tractors hum quietly',
  '',
])('%j is not taken', async (hash) => {
  for (const passwords of Object.values(engines)) {
    expect(passwords.reads(hash)).toBe(false);
    expect(await passwords.verify('password', hash)).toBe(false);
  }
});
