/** `users grant-role`. */
import { assignRole } from '../../../functions/permissions/assign-role.ts';
import { findAccount } from '../../../functions/users/find-account.ts';
import { getAccount } from '../../../functions/users/get-account.ts';
import { toAppError } from '../../../shared/kit/errors.ts';
import { callLocal, type Host } from '../../../shared/kit/invoke.ts';
import type { Operation } from '../../../shared/kit/operation.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import type { Command } from '../command.ts';
import type { Operator } from '../operator.ts';
import { plain } from '../output.ts';
import { Refusal } from '../refusal.ts';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Calls operations of the platform with its own rights, on the store that the command opened. */
const callerOf =
  (operator: Operator) =>
  async (op: Operation<any, any>, input: object): Promise<any> => {
    const ports = await operator.portsOf(op);
    const host: Host = { ports, call: (callee, given, context) => callLocal(host, callee, given, context) };
    return callLocal(host, op, input, {
      request_id: ports.ids.uuid(),
      trace: continueTrace(),
      caller: { kind: 'anonymous' },
      client: {},
      door: 'local',
    });
  };

const grantRole: Command = {
  name: 'users grant-role',
  positionals: '<email|id> <role>',
  summary: 'Gives a user a role (admin, or one of your own); tokens issued from then on carry it.',
  details: ['The account has to be there and verified. Running it again changes nothing.'],
  run: async (operator, _, [who = '', role = '']) => {
    const call = callerOf(operator);
    const { user_id = who } = ID.test(who) ? {} : await call(findAccount, { identifier: who });
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

export const userCommands: readonly Command[] = [grantRole];
