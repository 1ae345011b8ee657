/** What the permissions service keeps. No other service reads these. Times are unix seconds. */
import { collection } from '../../shared/ports/store.ts';
import type { PolicyFields, RoleFields } from './model.ts';

/** Until when; for good when left out. Unix seconds. */
interface Given {
  expires_at?: number;
  /** A user's id or a service's name. */
  given_by: string;
  given_at: number;
}

export interface AssignedRole extends Given {
  role: string;
  /** Which role of that name: one that is made after it was deleted is another. 0 for a built-in one. */
  epoch: number;
}

export interface Grant extends Given {
  id: string;
  permission: string;
  effect: 'allow' | 'deny';
  reason?: string;
}

export interface Assignments {
  roles: AssignedRole[];
  grants: Grant[];
  /** Raised with every change: tokens that were issued before it say what was so then. */
  generation: number;
}

/** By user id: the roles assigned and the permissions granted or denied beside them. One read tells all of a user. */
export const roleAssignments = collection<Assignments>()('role_assignments', {
  migrate: [
    ({ roles }: { roles: string[] }): Assignments => ({
      roles: roles.map((role) => ({ role, epoch: 0, given_by: '', given_at: 0 })),
      grants: [],
      generation: 0,
    }),
  ],
});

/** Who changed a rule last, and which change of all rules it was: versions rise, but not by one. */
export interface Changed {
  version: number;
  changed_by: string;
  changed_at: number;
}

/** `epoch` is the version that made it. */
export type RoleRecord = RoleFields & Changed & { epoch: number };
export type PolicyRecord = PolicyFields & Changed;

const all = { all: { hash: () => 'all', sort: (_: unknown, id: string) => id } };

/** By name. */
export const roles = collection<RoleRecord>()('roles', { indexes: all });
/** By name. */
export const policies = collection<PolicyRecord>()('policies', { indexes: all });

/** Every version that a role or policy had, by `<kind>:<name>:<version>`. */
export const ruleVersions = collection<
  { kind: 'role' | 'policy'; name: string; rule: unknown; removed?: boolean } & Changed
>()('rule_versions', {
  indexes: {
    by_rule: { hash: ({ kind, name }) => `${kind}:${name}`, sort: ({ version }) => String(version).padStart(10, '0') },
  },
});

/** `rules` → raised with every change of a role or policy, in the same transaction: who knows a number knows the rules. */
export const ruleGenerations = collection<{ generation: number }>()('rule_generations');

/** What was asked lately, of whom; a sample (recent-decisions.ts). `at` is in unix ms. */
export interface RecentDecision {
  user_id: string;
  resource: string;
  action: string;
  scope?: string;
  context: Readonly<Record<string, unknown>>;
  at: number;
}

export const recentDecisions = collection<RecentDecision>()('recent_decisions', {
  indexes: {
    recent: { hash: () => 'all', sort: ({ at }, id) => `${String(at).padStart(15, '0')}${id}` },
    by_user: { hash: ({ user_id }) => user_id, sort: (_, id) => id },
  },
});
