/**
 * Keys of a file that is not there yet. A first start makes none: the first token does, the first look at the JWK Set, or
 * the process when it has time.
 */
import type { Opened } from '../kit/adapter.ts';
import { later, takeBack } from '../kit/late.ts';
import type { Log } from '../ports/log.ts';
import type { Signer, VerificationKeys } from '../ports/tokens.ts';
import { once } from '../system/once.ts';

/**
 * The half that signs.
 *
 * @param open makes the key and opens the file; what it throws, `sign` throws
 */
export const lateSigner = (open: () => Promise<Signer>, log: Log): Opened<Signer> => {
  const opened = once(open);
  const whenIdle = later(() => {
    opened().catch((cause) => log.error('keys.not_made', { reason: String(cause?.message) }));
  });
  const port: Signer = {
    sign: async (input) => {
      whenIdle();
      return (await opened()).sign(input);
    },
  };
  return { port, close: async () => takeBack(whenIdle) };
};

/**
 * The half that verifies. Before there is a file no token is of its keys, so none is made for a token.
 *
 * @param there whether another process made the file meanwhile
 */
export const lateVerificationKeys = (
  open: () => Promise<VerificationKeys>,
  there: () => boolean,
): Opened<VerificationKeys> => {
  let keys: VerificationKeys | undefined;
  const opened = once(async () => {
    keys = await open();
    return keys;
  });
  const port: VerificationKeys = {
    verification: (kid) => {
      if (keys) return keys.verification(kid);
      return there() ? opened().then((found) => found.verification(kid)) : undefined;
    },
    jwks: async () => (await opened()).jwks(),
  };
  return { port };
};
