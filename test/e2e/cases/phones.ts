import { expect } from 'vitest';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { confirmPhone } from '../../../functions/users/confirm-phone.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { sendPhoneCode } from '../../../functions/users/send-phone-code.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
import { type Case, codeIn, expectOk, newNumber, PASSWORD, provePhone, userWithSession, type World } from '../world.ts';

const write = (world: World, user_id: string) =>
  world.call(
    sendNotification,
    {
      user_id,
      channels: ['sms'],
      category: 'security',
      template_name: 'notice',
      template_data: { title: 'a', text: 'b' },
    },
    { token: world.service_token },
  );

export const phones: Case[] = [
  {
    name: 'nothing but a code is sent to a number before the code came back',
    run: async (world) => {
      const phone_number = newNumber();
      const { access_token: token, user_id } = await userWithSession(world, { phone_number });
      await expectOk(write(world, user_id));
      expect(await world.mails(phone_number)).toEqual([]);
      expect(await expectOk(world.call(getMe, {}, { token }))).toMatchObject({ phone_number, phone_verified: false });
      expect(await expectOk(world.call(sendPhoneCode, {}, { token }))).toMatchObject({ status: 'accepted' });
      const [message, ...others] = await world.mails(phone_number);
      expect(others).toEqual([]);
      await expectOk(write(world, user_id));
      expect(await world.mails(phone_number)).toHaveLength(1);
      const proven = await expectOk(world.call(confirmPhone, { code: codeIn(message) }, { token }));
      expect(proven).toEqual({ phone_number, phone_verified: true });
      expect(await expectOk(world.call(getMe, {}, { token }))).toMatchObject({ phone_verified: true });
      await expectOk(write(world, user_id));
      expect(await world.mails(phone_number)).toHaveLength(2);
      expect((await world.call(sendPhoneCode, {}, { token })).code).toBe('already_exists');
    },
  },
  {
    name: 'another number asks for the password and is told by mail; the old one serves until the new one is proved',
    run: async (world) => {
      const { access_token: token, user_id, email } = await userWithSession(world);
      const [old, next] = [newNumber(), newNumber()];
      const refused = await world.call(updateMe, { phone_number: old }, { token });
      expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ path: 'password' }] });
      const wrong = { phone_number: old, password: 'not the password at all' };
      expect((await world.call(updateMe, wrong, { token })).code).toBe('invalid_credentials');
      expect(await world.mails(old)).toEqual([]);
      await provePhone(world, old, token);
      const texts = (await world.mails(email)).map(({ text }) => text);
      expect(texts.filter((text) => text.includes('The phone number of your account was changed'))).toHaveLength(1);
      await expectOk(world.call(updateMe, { phone_number: next, password: PASSWORD }, { token }));
      await expectOk(write(world, user_id));
      expect([(await world.mails(old)).length, (await world.mails(next)).length]).toEqual([2, 1]);
    },
  },
  {
    name: 'a code works once, for its number, for ten minutes, and for five tries at most, also when all come at once',
    clock: true,
    run: async (world) => {
      const { access_token: token } = await userWithSession(world);
      const phone_number = newNumber();
      const change = (to: string) =>
        expectOk(world.call(updateMe, { phone_number: to, password: PASSWORD }, { token }));
      const code = async (of: string) => codeIn((await world.mails(of))[0]);
      const tryOut = (one: string) => world.call(confirmPhone, { code: one }, { token });
      const other = (one: string) => String((Number(one) + 1) % 1_000_000).padStart(6, '0');

      await change(phone_number);
      const first = await code(phone_number);
      const guesses = await Promise.all(Array.from({ length: 12 }, () => tryOut(other(first))));
      expect(new Set(guesses.map((guess) => guess.code))).toEqual(new Set(['invalid_token']));
      expect((await tryOut(first)).code).toBe('invalid_token');

      await expectOk(world.call(sendPhoneCode, {}, { token }));
      const second = await code(phone_number);
      world.advance!(600_000);
      expect((await tryOut(second)).code).toBe('invalid_token');

      await expectOk(world.call(sendPhoneCode, {}, { token }));
      const third = await code(phone_number);
      const next = newNumber();
      await change(next);
      if (third !== (await code(next))) expect((await tryOut(third)).code).toBe('invalid_token');
      const outcomes = await Promise.all([await code(next)].flatMap((one) => [tryOut(one), tryOut(one)]));
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    },
  },
];
