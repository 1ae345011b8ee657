/** `migrate` and `bootstrap`: what a deployment needs before anybody can work with it. */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { ADMIN } from '../../../functions/permissions/model.ts';
import { roleAssignments } from '../../../functions/permissions/records.ts';
import { firstAdministrator, hasAdministrator } from '../../../functions/users/administrators.ts';
import { Email } from '../../../functions/users/model.ts';
import { requireGoodPassword } from '../../../functions/users/password-rule.ts';
import { registerNew } from '../../../functions/users/registration.ts';
import { createServiceToken } from '../../../shared/keys/service-credential-records.ts';
import type { AppError } from '../../../shared/kit/errors.ts';
import { insert, WriteConflict } from '../../../shared/ports/store.ts';
import { ask, askHidden } from '../ask.ts';
import type { Command, Values } from '../command.ts';
import type { Operator } from '../operator.ts';
import { Refusal, UsageError } from '../refusal.ts';

const migrate: Command = {
  name: 'migrate',
  summary: "Brings the store's shape to this release. Does nothing where it is so already.",
  details: [
    'SQLite and PostgreSQL get their tables, DynamoDB the indexes that the stack does not make; records are lifted.',
    'In AWS: run it after each deployment. Functions never do it, and refuse data of an older release.',
    'Programs of the release before work on meanwhile. When none of them runs any more, --finish lists what they wrote',
    'meanwhile by what is new, and ends what only they used. Repeating it does no harm.',
  ],
  options: {
    finish: { type: 'boolean', help: 'no program of an older release runs any more' },
  },
  run: async ({ store, shape, out }, values) => {
    await store({ make: true, finish: values.finish === true });
    out.row(shape, `${shape.engine}: the store is as this release needs it (schema version ${shape.version})`);
    return 0;
  },
};

/** At the domain where users find the platform; where that is none that has mail, as on a laptop, the one of `npm start`. */
const usualEmail = (public_url: string): string => {
  const own = Email.safeParse(`admin@${new URL(public_url).hostname}`);
  return own.success ? own.data : 'admin@perfect21.local';
};

/** Given, asked for, or the usual one. */
const emailFrom = async (values: Values, public_url: string): Promise<string> => {
  const usual = usualEmail(public_url);
  const given = values.email ?? ((await ask(`E-mail address of the first administrator (${usual}): `)) || usual);
  const parsed = Email.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new UsageError(`"${given}" is not an e-mail address`);
};

/** Given on standard input, asked for, or made. */
export const passwordFrom = async (values: Values): Promise<{ password: string; made: boolean }> => {
  if (values['password-stdin']) return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), made: false };
  const typed = await askHidden('Password (empty: one is made and shown once): ');
  if (typed) return { password: typed, made: false };
  return { password: randomBytes(18).toString('base64url'), made: true };
};

const REFUSED = 'there is an administrator already: who has forgotten the password has a new one mailed';

const commit = async (operator: Operator, email: string, password: string, service: string) => {
  const store = await operator.store({ make: true });
  const { clock, ids } = await operator.light();
  if (await hasAdministrator(store)) throw new Refusal(REFUSED);
  const settings = await operator.port('settings');
  try {
    await requireGoodPassword(password, settings, { email }, 'password');
  } catch (refused) {
    const [issue] = (refused as AppError).errors ?? [];
    throw new Refusal(`this password is refused: ${issue?.message ?? 'choose another'}`);
  }
  const password_hash = await (await operator.port('passwords')).hash(password);
  const now = clock.now();
  const user_id = ids.uuid();
  const user = {
    ...{ email, status: 'active' as const, verified: true, mfa_enabled: false, profile: {}, generation: 0 },
    created_at: Math.floor(now / 1000),
  };
  const { token, write } = createServiceToken({ name: service, permissions: ['*:*:*'] }, { ids, clock });
  const note = firstAdministrator(user_id);
  const given = { role: ADMIN, epoch: 0, given_by: 'bootstrap', given_at: user.created_at };
  const role = insert(roleAssignments, user_id, { roles: [given], grants: [], generation: 1 });
  // one commit: of two that run at once one gets everything, the other nothing
  const account = registerNew(user_id, user, { password_hash, changed_at: now }, false, undefined);
  await store.transact([note, role, ...account, write]).catch((thrown) => {
    if (!(thrown instanceof WriteConflict)) throw thrown;
    throw new Refusal(thrown.at === 0 ? REFUSED : `there is an account of ${email} already: say another address`);
  });
  return { user_id, token };
};

const bootstrap: Command = {
  name: 'bootstrap',
  summary: 'Makes the first administrator and a service token, and shows them once.',
  details: [
    'At a terminal it asks for what is not given. Where nobody can be asked the address is admin@ the domain of',
    'PERFECT21_PUBLIC_URL, and a password is made. Refuses when there is an administrator already, also when two run at once.',
    'The service token (all permissions) is for the gateway that calls the platform; keep it where secrets are kept.',
  ],
  options: {
    email: { type: 'string', value: '<address>', help: 'of the administrator; needs no verification' },
    'password-stdin': { type: 'boolean', help: 'read the password from standard input' },
    service: { type: 'string', value: '<name>', help: 'whom the service token is for; gateway when left out' },
  },
  run: async (operator, values) => {
    const service = String(values.service ?? 'gateway');
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(service)) throw new UsageError('--service is a name of letters, digits, dashes');
    const { public_url } = await operator.port('settings');
    const email = await emailFrom(values, public_url);
    const { password, made } = await passwordFrom(values);
    const { user_id, token } = await commit(operator, email, password, service);
    const shown = { user_id, email, ...(made && { password }), service, service_token: token };
    const lines = [
      `administrator  ${email} (${user_id})`,
      ...(made ? [`password       ${password}`] : []),
      `service token  ${token} (${service})`,
      'This is shown once: keep it now.',
    ];
    operator.out.row(shown, lines.join('\n'));
    return 0;
  },
};

export const setupCommands: readonly Command[] = [migrate, bootstrap];
