/** 10,000 users, 200 roles and 50 policies, and questions about them, whose answers are known. */
import { schema } from '../../../functions/index.ts';
import { policies, roleAssignments, roles, ruleGenerations } from '../../../functions/permissions/records.ts';
import { RULES } from '../../../functions/permissions/rules.ts';
import { users } from '../../../functions/users/records.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { insert, type Write } from '../../../shared/ports/store.ts';
import { openHost } from '../../../shared/process/host.ts';
import { testEnvironment } from '../../support/platform.ts';

export const [USERS, ROLES, POLICIES] = [10_000, 200, 50] as const;

export const userId = (n: number): string => `01890a5d-0000-7000-8000-${String(n).padStart(12, '0')}`;
export const roleName = (n: number): string => `role-${n}`;
export const kindName = (n: number): string => `kind-${n}`;
/** The roles of a user. */
export const rolesOf = (n: number): number[] => [n % ROLES, (n * 3) % ROLES, (n * 7 + 1) % ROLES];
/** The kinds that a role may read. */
export const readsOf = (role: number): number[] => [role % POLICIES, (role * 11 + 5) % POLICIES];

/** One question: some are answered by a role, some by a condition, and half of them with no. */
export const questionOf = (n: number, among: number = USERS) => {
  const user = (n * 7_919) % among;
  const granted = n % 2 === 0;
  if (n % 4 < 2) {
    const readable = new Set(rolesOf(user).flatMap(readsOf));
    const kind = granted
      ? [...readable][0]!
      : Array.from({ length: POLICIES }, (_, k) => k).find((k) => !readable.has(k))!;
    return { user, kind, action: 'read', owner: 'nobody', allowed: granted };
  }
  return { user, kind: n % POLICIES, action: 'share', owner: granted ? userId(user) : 'nobody', allowed: granted };
};

/** @param among the first so many users */
export const checkOf = (n: number, among?: number) => {
  const { user, kind, action, owner } = questionOf(n, among);
  return { user_id: userId(user), resource: kindName(kind), action, context: { 'resource.owner': owner } };
};

/** Every kind of one user: as many questions as a request to Cerbos takes. */
export const questionsAbout = (user: number) =>
  Array.from({ length: POLICIES }, (_, kind) => {
    const owner = kind % 2 ? userId(user) : 'nobody';
    return { user, kind, action: kind % 4 < 2 ? 'read' : 'share', owner };
  });

export const checksAbout = (user: number) =>
  questionsAbout(user).map(({ kind, action, owner }) => ({
    ...{ user_id: userId(user), resource: kindName(kind), action, scope: '' },
    context: { 'resource.owner': owner },
  }));

const account = (n: number) => ({
  ...{ email: `u${n}@bench.example`, status: 'active' as const, verified: true, mfa_enabled: false },
  ...{ created_at: 1_700_000_000, profile: {}, generation: 0 },
});
const changed = { version: 1, changed_by: 'bench', changed_at: 0 };
const given = { epoch: 1, given_by: 'bench', given_at: 0 };

/** Writes them into the store of a folder. The platform does not run meanwhile. */
export const seedRules = async (folder: string): Promise<void> => {
  const host = await openHost(loadConfig(testEnvironment(folder)), schema);
  const { store } = host.ports;
  try {
    const writes: Write[] = [insert(ruleGenerations, RULES, { generation: 1 })];
    for (let n = 0; n < ROLES; n++) {
      const fields = { display_name: '', description: '', priority: n, inherits: [] };
      const permissions = readsOf(n).map((kind) => `${kindName(kind)}:read`);
      writes.push(insert(roles, roleName(n), { ...fields, permissions, ...changed, epoch: 1 }));
    }
    for (let n = 0; n < POLICIES; n++) {
      const rule = {
        description: '',
        effect: 'allow' as const,
        resources: [kindName(n)],
        actions: ['share'],
        roles: [],
      };
      const condition = 'resource.owner == subject.id';
      writes.push(insert(policies, `policy-${n}`, { ...rule, condition, enabled: true, ...changed }));
    }
    for (let n = 0; n < USERS; n++) {
      const assigned = rolesOf(n).map((role) => ({ role: roleName(role), ...given }));
      writes.push(insert(users, userId(n), account(n)));
      writes.push(insert(roleAssignments, userId(n), { roles: assigned, grants: [], generation: 1 }));
    }
    for (let at = 0; at < writes.length; at += 100) {
      await store.transact(writes.slice(at, at + 100), { durability: 'deferred' });
    }
  } finally {
    await host.close();
  }
};
