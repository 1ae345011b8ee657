/** A log of the platform's own events, recorded with the store as it is when none of them was delivered yet. */
import { changePassword } from '../../functions/auth/change-password.ts';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { login } from '../../functions/auth/login.ts';
import { logout } from '../../functions/auth/logout.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { register } from '../../functions/auth/register.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import { platform, schema } from '../../functions/index.ts';
import { addDevice } from '../../functions/notifications/add-device.ts';
import { setPreferences } from '../../functions/notifications/set-preferences.ts';
import { endUserSessions } from '../../functions/sessions/end-user-sessions.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { createClientMarks } from '../../shared/keys/client-marks.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import type { Caller } from '../../shared/kit/context.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { callLocal, type Host, invoke } from '../../shared/kit/invoke.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import type { OutboxBody } from '../../shared/ports/envelope.ts';
import type { Claimed } from '../../shared/ports/store.ts';
import { context, openRig, type Rig, SECRET, TestClock, testSealer } from '../messaging/rig.ts';
import { userCaller } from './notifications/rig.ts';

const PASSWORDS = ['violet tractors hum quietly', 'purple harvesters sing loudly'] as const;
/** More rows than there are. */
export const ALL = 10_000;
const ADMIN: Caller = { kind: 'service', name: 'admin', permissions: ['*:*:*'] };

/** The whole platform on a file; hashes, tokens and providers cost nothing. */
export const openPlatform = async (file: string, clock: TestClock, send?: (mail: { to: string }) => Promise<void>) => {
  const rig = await openRig({
    platform,
    collections: schema.collections,
    file: `${file}?synchronous=normal`,
    clock,
    send,
  });
  const passwords = {
    hash: async (password: string) => `plain:${password}`,
    verify: async (password: string, phc?: string) => phc === `plain:${password}`,
    needsRehash: () => false,
  };
  const tokens = { sign: async () => ({ access_token: 'signed', jti: 'j', expires_at: 0 }) };
  const quiet = { send: async () => {} };
  const secrets = createSecrets(SECRET);
  const settings = { ...rig.host.ports.settings, reset_delay: 0, max_sessions: 100 };
  const clientMarks = createClientMarks(secrets);
  const places = { of: async () => undefined };
  const others = { passwords, places, tokens, secrets, settings, clientMarks, revocations: { learn: () => {} } };
  Object.assign(rig.host.ports, { ...others, sms: quiet, push: quiet });
  return rig;
};

export const envelopeOf = ({ body }: Claimed) => (body as OutboxBody).envelope;

/** What one account goes through. */
const live = async (rig: Rig, email: string, last: 'active' | 'deleted'): Promise<void> => {
  // the process ends after each commit, so that all that follows is left to the events
  const host: Host = {
    ports: rig.host.ports,
    call: async (op, ...given) => (op === endUserSessions ? { ended: 0 } : callLocal(host, op, ...given)),
  };
  const call = async (op: Operation<any, any>, input: object, caller?: Caller): Promise<any> => {
    const client = { ip: '192.0.2.7', user_agent: 'test' };
    return invoke(host, op, input, { ...context(), client, caller: caller ?? { kind: 'anonymous' } });
  };
  const seconds = (n: number): void => rig.clock.pass(n * 1_000);
  const loginWith = async (password: string) => {
    seconds(5);
    return call(login, { identifier: email, password });
  };
  const as = ({ session_id, user_id }: any): Caller => ({ ...userCaller(user_id), session_id }) as Caller;
  const statusOf = (user_id: string, status: string) => {
    seconds(5);
    return call(updateUserStatus, { user_id, status }, ADMIN);
  };

  await call(register, { email, password: PASSWORDS[0], locale: 'en', first_name: 'Ada' });
  const told = (await rig.store.messages.peek(OUTBOX, ALL)).map((row) => envelopeOf(row).data);
  const sealed = told.find((data) => data.email === email)!.verification_token as string;
  await call(verifyEmail, { token: testSealer.open(sealed, 'verify-email') });
  const laptop = await loginWith(PASSWORDS[0]);
  await loginWith(PASSWORDS[0]);
  const { user_id } = laptop;
  const endpoint_arn = `arn:aws:sns:eu-central-1:123456789012:endpoint/APNS/app/${user_id}`;
  await call(addDevice, { endpoint_arn }, as(laptop));
  await call(setPreferences, { product: { email: false } }, as(laptop));
  await call(forgotPassword, { email });
  await call(changePassword, { current_password: PASSWORDS[0], new_password: PASSWORDS[1] }, as(laptop));
  const { refresh_token } = await call(refresh, { refresh_token: laptop.refresh_token });
  await call(refresh, { refresh_token });
  seconds(60);
  // the spent token again: an alert
  await call(refresh, { refresh_token: laptop.refresh_token }).catch(() => {});
  await call(logout, {}, as(await loginWith(PASSWORDS[1])));
  await loginWith(PASSWORDS[1]);
  await statusOf(user_id, 'suspended');
  await statusOf(user_id, 'active');
  const phone = await loginWith(PASSWORDS[1]);
  await call(changePassword, { current_password: PASSWORDS[1], new_password: PASSWORDS[0] }, as(phone));
  await call(forgotPassword, { email });
  seconds(5);
  for (let n = 0; n <= rig.host.ports.settings.login_attempts; n += 1) {
    await call(login, { identifier: email, password: 'wrong' }).catch(() => {});
  }
  if (last !== 'active') await statusOf(user_id, last);
};

export interface History {
  file: string;
  clock: TestClock;
  /** What the outbox holds, oldest first. */
  log: readonly Claimed[];
}

/** Records what two accounts go through, one of which is deleted in the end; none of its events is delivered. */
export const record = async (file: string): Promise<History> => {
  const clock = new TestClock();
  const rig = await openPlatform(file, clock);
  await live(rig, 'stays@example.org', 'active');
  await live(rig, 'goes@example.org', 'deleted');
  const log = await rig.store.messages.peek(OUTBOX, ALL);
  await rig.close();
  return { file, clock, log };
};
