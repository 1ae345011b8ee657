/**
 * A change of permissions bites at every door: a token says what its user might when it was issued, and a verifier knows
 * whether that has changed since. Who comes with an older one is judged by what he may now, where this process can ask; else
 * a permission is not taken from such a token (access.ts), and refreshing it helps.
 */
import { isPermission } from './access.ts';
import type { Context } from './context.ts';
import type { Access, Operation } from './operation.ts';

/** Of a host: how it asks what a user may now, if it can. */
interface Asking {
  call(callee: Operation<any, any>, input: unknown, context: Context): Promise<unknown>;
  readonly standing?: Operation<any, any>;
}

/** The context with what its caller may now. Only who comes with an older token, to where a permission decides, costs a question. */
export const withStanding = async (host: Asking, accesses: readonly Access[], context: Context): Promise<Context> => {
  const { caller } = context;
  if (caller.kind !== 'user' || !caller.outdated || !host.standing || !accesses.some(isPermission)) return context;
  const { outdated: _, ...known } = caller;
  const { permissions, roles } = (await host.call(host.standing, { user_id: caller.user_id }, context)) as {
    permissions: string[];
    roles: string[];
  };
  return { ...context, caller: { ...known, permissions, roles } };
};
