/** Passwords by `crypto.argon2` of Node 24: nothing to install, slower than the native engine. */
import { argon2 } from 'node:crypto';
import { adapter } from '../kit/adapter.ts';
import { createPasswords } from './argon2.ts';

export const nodePasswords = adapter({
  port: 'passwords',
  open: () => ({
    port: createPasswords(
      (message, nonce, { memory, passes, parallelism }, tagLength) =>
        new Promise((resolve, reject) => {
          argon2('argon2id', { message, nonce, memory, passes, parallelism, tagLength }, (error, derived) =>
            error ? reject(error) : resolve(derived),
          );
        }),
    ),
  }),
});
