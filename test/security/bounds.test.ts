/** What one client, one mailbox or one number may ask for in a while, with the usual bounds. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { register } from '../../functions/auth/register.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { mailsFrom } from '../e2e/matrix.ts';
import { expectOk, newEmail, PASSWORD, tokenIn, verified, type World } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let world: World;
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_RATE_LIMITS: '1' });
  world = {
    ...http1Door(platform.http.url),
    ...platform.credentials,
    mails: async (to) => {
      await platform.drain();
      return mailsFrom(platform.mailbox!.httpPort, to);
    },
  };
});
afterAll(() => platform?.close());

describe('mails to one mailbox', () => {
  test('are at most five of registrations in an hour, and the answer stays the same', async () => {
    const [email, known] = [newEmail(), (await verified(world)).email];
    for (let n = 0; n < 7; n++) {
      for (const each of [email, known]) {
        const { body } = await world.call(register, { email: each, password: PASSWORD });
        expect(body).toEqual({ status: 'pending_verification' });
      }
    }
    expect(await world.mails(email)).toHaveLength(5);
    expect(await world.mails(known)).toHaveLength(5);
  });

  test('count together, whatever stands behind the plus of its addresses', async () => {
    platform.advance(3_600_000);
    const [name] = newEmail().split('@');
    const addresses = Array.from({ length: 12 }, (_, n) => `${name}+${n}@example.org`);
    for (const email of addresses) await expectOk(world.call(register, { email, password: PASSWORD }));
    const mails = await world.mails(`${name}+`);
    expect(mails).toHaveLength(5);
    for (const mail of mails) await expectOk(world.call(verifyEmail, { token: tokenIn(mail) }));
    for (const email of addresses) await expectOk(world.call(forgotPassword, { email }));
    expect((await world.mails(`${name}+`)).filter(({ text }) => text.includes('reset-password'))).toHaveLength(5);
  });
});
