/** `users grant-role`. */
import { assignRole } from '../../../functions/permissions/assign-role.ts';
import { findAccount } from '../../../functions/users/find-account.ts';
import { getAccount } from '../../../functions/users/get-account.ts';
import { toAppError } from '../../../shared/kit/errors.ts';
import { callerOf } from '../calling.ts';
import type { Command } from '../command.ts';
import { plain } from '../output.ts';
import { Refusal } from '../refusal.ts';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

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
