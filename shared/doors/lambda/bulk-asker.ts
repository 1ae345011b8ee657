/**
 * Who asked for a job, as he may now: an address for rows is good for a quarter of an hour, and a job goes on for hours, in
 * which somebody can lose what he had when he asked.
 */
import { authorize } from '../../kit/access.ts';
import { noteRefusal } from '../../kit/audit-note.ts';
import type { Caller, Context } from '../../kit/context.ts';
import { AppError, toAppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';

/** The operations that are asked about a user: `{ user_id }` gives his account's state, and what he may. */
export interface Judges {
  getAccount: Operation<any, any>;
  getEffective: Operation<any, any>;
}

/** A user with the permissions of now: none where the account or the session is no more. Services stay as they are. */
const askerNow = async (host: Host, { getAccount, getEffective }: Judges, context: Context): Promise<Caller> => {
  const { caller } = context;
  if (caller.kind !== 'user') return caller;
  const { user_id, session_id, generation } = caller;
  const [account, rights]: any[] = await Promise.all([
    host.call(getAccount, { user_id }, context),
    host.call(getEffective, { user_id }, context),
  ]);
  const lives =
    account.status === 'active' && (generation >= account.generation || session_id === account.spared_session_id);
  const { outdated: _, ...known } = caller;
  const { permissions, roles } = lives ? rights : { permissions: [], roles: [] };
  return { ...known, permissions, roles };
};

/**
 * The context in which the work is done. Undefined: who asked may not any more, which the audit log then tells.
 *
 * @throws AppError `unavailable` where that can't be known now
 */
export const asOfNow = async (
  host: Host,
  judges: Judges,
  op: Operation<any, any>,
  asked: Context,
  input: unknown,
): Promise<Context | undefined> => {
  const context = { ...asked, caller: await askerNow(host, judges, asked) };
  try {
    authorize(op, context.caller, input, host.ports.metrics);
    return context;
  } catch (thrown) {
    const error = toAppError(thrown);
    await noteRefusal(host.ports, op, context, undefined, input, new AppError('forbidden', { cause: error }));
    return undefined;
  }
};
