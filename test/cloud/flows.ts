/** The flows whose cost is counted: one pass of each, as an application makes it. */
import { login } from '../../functions/auth/login.ts';
import { logout } from '../../functions/auth/logout.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { register } from '../../functions/auth/register.ts';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import type { FlowName } from '../../infra/cost/counts.ts';
import { expectOk, newEmail, PASSWORD, tokenIn, verified } from '../e2e/world.ts';
import type { Stack } from './stack.ts';

/** What the schedule sends to the relay. */
export const MINUTE = { 'detail-type': 'Scheduled Event', source: 'aws.events' };

/**
 * Makes so many passes of each ready, which costs nothing here. Where a token is judged, what is known of revocations is
 * too old, so that the function asks first: one that is called more often than every two seconds does so less.
 */
export const preparePasses = async (
  { world, invoke, outdate }: Stack,
  passes: number,
): Promise<Readonly<Record<FlowName, () => Promise<unknown>>>> => {
  const { email } = await verified(world);
  const credentials = { identifier: email, password: PASSWORD };
  const tokens: { access_token: string; refresh_token: string }[] = [];
  for (let n = 0; n <= passes; n++) tokens.push(await expectOk(world.call(login, credentials)));
  const { access_token: token, ...kept } = tokens.pop()!;
  let { refresh_token } = kept;
  return {
    minute: () => invoke('events-relay', MINUTE),
    validation: () => {
      outdate();
      return expectOk(world.call(validateToken, { token }));
    },
    login: () => expectOk(world.call(login, credentials)),
    registration: async () => {
      const address = newEmail();
      await expectOk(world.call(register, { email: address, password: PASSWORD }));
      const [mail] = await world.mails(address);
      await expectOk(world.call(verifyEmail, { token: tokenIn(mail) }));
    },
    refresh: async () => {
      outdate();
      ({ refresh_token } = await expectOk(world.call(refresh, { refresh_token })));
    },
    logout: () => {
      outdate();
      return expectOk(world.call(logout, {}, { token: tokens.pop()!.access_token }));
    },
  };
};
