/** What a case sees: one door to the platform, a mailbox, a clock, and ways to get users. */
import { randomInt, randomUUID } from 'node:crypto';
import { login } from '../../functions/auth/login.ts';
import { register } from '../../functions/auth/register.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import { confirmPhone } from '../../functions/users/confirm-phone.ts';
import { updateMe } from '../../functions/users/update-me.ts';
import type { BodyKind, HttpBinding } from '../../shared/kit/binding.ts';
import type { Operation } from '../../shared/kit/operation.ts';

export interface Outcome {
  ok: boolean;
  /** The stable code of an error. */
  code?: string;
  errors?: { path: string; message: string }[];
  /** The output, or nothing. */
  body: any;
}

export interface CallOptions {
  /** An access token or service token. */
  token?: string;
  user_agent?: string;
  /** Which HTTP binding carries the call, and as which kind of body; the first when left out. */
  via?: HttpBinding;
  kind?: BodyKind;
}

/** A way in. */
export interface Door {
  name: string;
  call(op: Operation<any, any>, input: object, options?: CallOptions): Promise<Outcome>;
}

export interface Mail {
  /** `email`, `sms` or `push`. */
  channel?: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

export interface World extends Door {
  /** Mails to an address, newest first, after all events were handled. */
  mails(to: string): Promise<Mail[]>;
  /** What time the platform takes it to be, unix ms; that of this machine where absent. */
  now?(): number;
  /** Moves the platform's clock; absent where the platform runs on real time. */
  advance?(ms: number): void;
  /** It takes no permission from a token that is older than the last change of rules: whoever calls gets another one. */
  refreshes?: true;
  admin: { email: string; password: string };
  service_token: string;
}

export interface Case {
  /** The promise, as a sentence. */
  name: string;
  /** It waits for something to expire, so the platform's clock has to be in our hands. */
  clock?: true;
  run(world: World): Promise<void>;
}

export const PASSWORD = 'violet tractors hum quietly';

export const newEmail = (): string => `u${randomUUID().replaceAll('-', '')}@example.org`;

/** The token in a mail's link. */
export const tokenIn = (mail: Mail | undefined): string => {
  const token = /[?&]token=([A-Za-z0-9_-]+)/.exec(mail?.text ?? '')?.[1];
  if (!token) throw new Error(`no token in the mail: ${mail?.subject ?? 'there is none'}`);
  return token;
};

const must = async (outcome: Promise<Outcome>): Promise<any> => {
  const { ok, code, errors, body } = await outcome;
  if (!ok) throw new Error(`unexpected ${code}: ${JSON.stringify(errors ?? '')}`);
  return body;
};

/** A call that has to succeed; gives its output. */
export const expectOk = must;

/** Fields of a registration beside the usual ones. */
type NewFields = { email?: string; [field: string]: unknown };

export const registered = async (world: World, extra: NewFields = {}): Promise<{ email: string; token: string }> => {
  const { email = newEmail() } = extra;
  await must(world.call(register, { password: PASSWORD, ...extra, email }));
  return { email, token: tokenIn((await world.mails(email))[0]) };
};

export interface TestUser {
  email: string;
  user_id: string;
}

/** A user whose address is verified. */
export const verified = async (world: World, extra: NewFields = {}): Promise<TestUser> => {
  const { email, token } = await registered(world, extra);
  const { user_id } = await must(world.call(verifyEmail, { token }));
  return { email, user_id };
};

/** The code in a text message. */
export const codeIn = (message: Mail | undefined): string => {
  const code = /\b\d{6}\b/.exec(message?.text ?? '')?.[0];
  if (!code) throw new Error(`no code in the message: ${message?.text ?? 'there is none'}`);
  return code;
};

/** A phone number that no other test has. */
export const newNumber = (): string => `+4917${randomInt(10_000_000, 99_999_999)}`;

/** Gives a user a phone number, and proves it. */
export const provePhone = async (world: World, phone_number: string, token: string): Promise<void> => {
  await must(world.call(updateMe, { phone_number, password: PASSWORD }, { token }));
  await must(world.call(confirmPhone, { code: codeIn((await world.mails(phone_number))[0]) }, { token }));
};

export interface Tokens {
  access_token: string;
  refresh_token: string;
  session_id: string;
  user_id: string;
}

export const loggedIn = async (
  world: World,
  email: string,
  options: CallOptions & { password?: string } = {},
): Promise<Tokens> => must(world.call(login, { identifier: email, password: options.password ?? PASSWORD }, options));

/** A verified user with a session. */
export const userWithSession = async (world: World, extra: NewFields = {}): Promise<TestUser & Tokens> => {
  const user = await verified(world, extra);
  return { ...user, ...(await loggedIn(world, user.email)) };
};
