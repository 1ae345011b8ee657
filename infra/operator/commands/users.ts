/** `users create`, `users show` and `users grant-role`. */
import { assignRole } from '../../../functions/permissions/assign-role.ts';
import { getEffective } from '../../../functions/permissions/get-effective.ts';
import { createUser } from '../../../functions/users/create-user.ts';
import { findAccount } from '../../../functions/users/find-account.ts';
import { getAccount } from '../../../functions/users/get-account.ts';
import { getUser } from '../../../functions/users/get-user.ts';
import type { User } from '../../../functions/users/model.ts';
import { toAppError } from '../../../shared/kit/errors.ts';
import { callerOf } from '../calling.ts';
import type { Command } from '../command.ts';
import { plain } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { passwordFrom } from './setup.ts';
import { bulkCommands } from './users-bulk.ts';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const grantRole: Command = {
  name: 'users grant-role',
  positionals: '<email|id> <role>',
  summary: 'Gives a user a role (admin, or one of your own); tokens issued from then on carry it.',
  details: ['The account has to be there and verified. Running it again changes nothing.'],
  run: async (operator, _, [who = '', role = '']) => {
    const call = callerOf(operator);
    const user_id = await idOf(call, who);
    const { status } = await call(getAccount, { user_id });
    if (status === undefined || status === 'deleted') throw new Refusal(`there is no user ${plain(who)}`);
    if (status !== 'active') throw new Refusal(`the account of ${plain(who)} is ${status}, not active`);
    const { roles } = await call(assignRole, { user_id, role }).catch((thrown) => {
      if (!['not_found', 'invalid_request'].includes(toAppError(thrown).code)) throw thrown;
      throw new Refusal(`there is no role "${plain(role)}"`);
    });
    operator.out.row({ user_id, roles }, `${plain(who)} has the role ${role} (${user_id})`);
    return 0;
  },
};

/** The id of who is meant by an id, an address or a user name. @throws Refusal when nobody is */
const idOf = async (call: ReturnType<typeof callerOf>, who: string): Promise<string> => {
  if (ID.test(who)) return who;
  const { user_id } = await call(findAccount, { identifier: who });
  if (user_id === undefined) throw new Refusal(`there is no user ${plain(who)}`);
  return user_id;
};

const create: Command = {
  name: 'users create',
  positionals: '<email>',
  summary: 'Makes an account that needs no verification.',
  details: ['Its password is asked for, read from standard input, or made and shown once.'],
  options: {
    'password-stdin': { type: 'boolean', help: 'read the password from standard input' },
    username: { type: 'string', value: '<name>', help: 'a user name' },
    'first-name': { type: 'string', value: '<name>', help: 'a first name' },
    'last-name': { type: 'string', value: '<name>', help: 'a last name' },
    role: { type: 'string', value: '<role>', help: 'a role that it gets' },
  },
  run: async (operator, values, [email = '']) => {
    const call = callerOf(operator);
    const { password, made } = await passwordFrom(values);
    const names = { username: values.username, first_name: values['first-name'], last_name: values['last-name'] };
    const given = Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
    const client = { ip_address: '', user_agent: 'npx perfect21' };
    const input = { email, password, ...given, ...client, verified: true };
    const { user_id } = await call(createUser, input).catch((thrown) => {
      const { errors: [first] = [] } = toAppError(thrown);
      if (!first) throw thrown;
      throw new Refusal(`${first.path}: ${first.message}`);
    });
    if (user_id === undefined) throw new Refusal(`somebody has the address ${plain(email)} already`);
    if (values.role !== undefined) await call(assignRole, { user_id, role: values.role });
    const lines = [
      `${plain(email)} (${user_id})`,
      ...(made ? [`password  ${password}`, 'This is shown once: keep it now.'] : []),
    ];
    operator.out.row({ user_id, email, ...(made && { password }) }, lines.join('\n'));
    return 0;
  },
};

const show: Command = {
  name: 'users show',
  positionals: '<email|username|id>',
  summary: 'Shows an account with its roles.',
  run: async (operator, _, [who = '']) => {
    const call = callerOf(operator);
    const user_id = await idOf(call, who);
    const user: User = await call(getUser, { user_id }).catch((thrown) => {
      if (toAppError(thrown).code !== 'not_found') throw thrown;
      throw new Refusal(`there is no user ${plain(who)}`);
    });
    const { roles } = await call(getEffective, { user_id });
    const facts: [string, string][] = Object.entries({ ...user, roles: roles.join(' ') }).map(([name, value]) => [
      name,
      name.endsWith('_at')
        ? timeOf(value as number)
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value),
    ]);
    const width = Math.max(...facts.map(([name]) => name.length));
    const text = facts.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}`.trimEnd()).join('\n');
    operator.out.row({ ...user, roles }, text);
    return 0;
  },
};

const timeOf = (seconds: number): string => (seconds ? new Date(seconds * 1_000).toISOString() : 'never');

export const userCommands: readonly Command[] = [create, show, grantRole, ...bulkCommands];
