/** An authenticator app, as a user holds one: shows each code once. */
import { confirmTotp } from '../../functions/auth/confirm-totp.ts';
import { login } from '../../functions/auth/login.ts';
import { startTotp } from '../../functions/auth/start-totp.ts';
import { hotp, stepOf } from '../../functions/auth/totp.ts';
import { expectOk, PASSWORD, type TestUser, type Tokens, userWithSession, type World } from './world.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const bytesOf = (base32: string): Buffer => {
  const bits = [...base32].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
};

export interface Authenticator {
  /** A code that was not shown before; the clock moves on where all were. */
  code(): string;
  /** The code of a step that is so many away from now. */
  at(steps: number): string;
}

export const authenticatorOf = (world: World, secret: string): Authenticator => {
  const seed = bytesOf(secret);
  const now = (): number => stepOf(world.now?.() ?? Date.now());
  let last = 0;
  return {
    at: (steps) => hotp(seed, now() + steps),
    code: () => {
      let next = Math.max(last + 1, now() - 1);
      if (next > now() + 1) {
        if (!world.advance) throw new Error('three codes in half a minute are all there are');
        world.advance(30_000);
        next = Math.max(next, now() - 1);
      }
      last = next;
      return hotp(seed, next);
    },
  };
};

export interface Protected extends TestUser, Tokens {
  app: Authenticator;
  recovery_codes: string[];
}

/** Shows the platform the first code of an app. */
export const confirmApp = async (world: World, app: Authenticator, token: string) => {
  const confirm = () => world.call(confirmTotp, { code: app.code() }, { token });
  const first = await confirm();
  // where time is real, the half minute in which the oldest code was still good may have ended on its way
  const late = first.code === 'invalid_mfa_code' && !world.advance;
  return expectOk(late ? confirm() : Promise.resolve(first));
};

/** A user with a session who has set up an app. */
export const userWithApp = async (
  world: World,
  extra: { email?: string; [field: string]: unknown } = {},
): Promise<Protected> => {
  const user = await userWithSession(world, extra);
  const token = user.access_token;
  const { secret } = await expectOk(world.call(startTotp, {}, { token }));
  const app = authenticatorOf(world, secret);
  const { recovery_codes } = await confirmApp(world, app, token);
  return { ...user, app, recovery_codes };
};

/** What a login with the password alone answers for an account with a factor. */
export const mfaToken = async (world: World, email: string): Promise<string> =>
  (await expectOk(world.call(login, { identifier: email, password: PASSWORD }))).mfa_token;
