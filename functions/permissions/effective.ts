/** What somebody may do, as a list: what a token carries and lists show. Pure. */
import { holds } from '../../shared/kit/permissions.ts';
import type { Assignments } from './records.ts';
import { type Roles, rolesOf } from './rules.ts';

/** Characters of permissions in a token, which has to pass headers: what does not fit is not in it, and so not allowed by it. */
const MOST_CHARACTERS = 4_000;

/** Names of roles by priority, and permissions, denials (`!…`) first. @param now unix seconds */
export const effective = (
  rules: Roles,
  assignments: Assignments | undefined,
  now: number,
): { roles: string[]; permissions: string[] } => {
  const roles = rolesOf(rules, assignments?.roles ?? [], now);
  const grants = (assignments?.grants ?? []).filter(({ expires_at = Infinity }) => now < expires_at);
  const denied = grants.filter(({ effect }) => effect === 'deny').map(({ permission }) => `!${permission}`);
  const allowed = [
    ...roles.flatMap(({ permissions }) => permissions.map(({ text }) => text)),
    ...grants.filter(({ effect }) => effect === 'allow').map(({ permission }) => permission),
  ];
  return { roles: roles.map(({ name }) => name), permissions: [...new Set([...denied, ...allowed])] };
};

/** The permissions for a token: without those that another one covers, and no more than fit. */
export const forToken = (permissions: readonly string[]): string[] => {
  let left = MOST_CHARACTERS;
  return permissions.filter((each, at) => {
    const covered = permissions.some(
      (other, n) => n !== at && !other.startsWith('!') && holds([other], each) && (n < at || !holds([each], other)),
    );
    if (!each.startsWith('!') && covered) return false;
    left -= each.length + 3;
    return left >= 0;
  });
};

/** When the first of somebody's live roles and grants ends, unix seconds; undefined where none does by itself. */
export const firstEnd = (assignments: Assignments | undefined, now: number): number | undefined => {
  const ends = [...(assignments?.roles ?? []), ...(assignments?.grants ?? [])]
    .map(({ expires_at = Infinity }) => expires_at)
    .filter((each) => now < each);
  const first = Math.min(...ends);
  return Number.isFinite(first) ? first : undefined;
};
