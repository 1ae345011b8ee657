/** Passwords by `@node-rs/argon2`: native, 2.5 times as fast as Node's own. */
import { adapter } from '../adapter.ts';
import { createPasswords } from './argon2.ts';

/** `Algorithm.Argon2id`; the package exports it as a const enum, which leaves nothing to import. */
const ARGON2ID = 2;

export const nativePasswords = adapter({
  port: 'passwords',
  open: async () => {
    const { hashRaw } = await import('@node-rs/argon2');
    return {
      port: createPasswords((password, salt, { memory, passes, parallelism }, length) =>
        hashRaw(password, {
          algorithm: ARGON2ID,
          memoryCost: memory,
          timeCost: passes,
          parallelism,
          outputLen: length,
          salt,
        }),
      ),
    };
  },
});
