/** Roles and policies as decisions use them: inheritance followed, permissions parsed, conditions compiled, once a change. */
import { type Parsed, parsePermission } from '../../shared/kit/permissions.ts';
import type { Condition, Conditions } from '../../shared/ports/conditions.ts';
import type { Reader } from '../../shared/ports/store.ts';
import { BUILT_IN_ROLES, DEFAULT_ROLE, type PolicyFields, type RoleFields } from './model.ts';
import { type AssignedRole, type PolicyRecord, policies, type RoleRecord, roles, ruleGenerations } from './records.ts';

export const RULES = 'rules';
/** Bounds of a deployment: all of them are in memory of whoever decides. */
export const MOST_RULES = 1_000;

type Names = 'roles' | 'policies' | 'rule_generations';

export interface LoadedRole {
  name: string;
  epoch: number;
  fields: RoleFields;
  /** Its own name and those that it inherits. */
  names: readonly string[];
  /** Its own permissions and the inherited ones, and which role each comes from. */
  permissions: readonly { text: string; parsed: Parsed; role: string }[];
}

export interface LoadedPolicy extends PolicyFields {
  name: string;
  /** Absent where it is always true. */
  holds?: Condition;
}

export interface Rules {
  generation: number;
  roles: ReadonlyMap<string, LoadedRole>;
  policies: readonly LoadedPolicy[];
}

/** The names of a role and of all that it inherits, each once; a role that is gone inherits nothing. */
export const lineage = (name: string, fieldsOf: (name: string) => RoleFields | undefined): string[] => {
  const seen = new Set<string>();
  const visit = (each: string): void => {
    const fields = fieldsOf(each);
    if (!fields || seen.has(each)) return;
    seen.add(each);
    for (const parent of fields.inherits) visit(parent);
  };
  visit(name);
  return [...seen];
};

/** Resolves roles: each with what it inherits. */
export const resolveRoles = (fields: ReadonlyMap<string, RoleFields & { epoch?: number }>): Map<string, LoadedRole> =>
  new Map(
    [...fields].map(([name, own]) => {
      const names = lineage(name, (each) => fields.get(each));
      const permissions = names.flatMap((role) =>
        fields.get(role)!.permissions.map((text) => ({ text, parsed: parsePermission(text), role })),
      );
      return [name, { name, epoch: own.epoch ?? 0, fields: own, names, permissions }];
    }),
  );

/** One role as it will be beside the others. */
export const resolveRole = ({ roles: all }: Rules, name: string, fields: RoleRecord): LoadedRole => {
  const others = [...all.values()].map((role) => [role.name, { ...role.fields, epoch: role.epoch }] as const);
  return resolveRoles(new Map([...others, [name, fields]])).get(name)!;
};

const compiled = async (name: string, policy: PolicyRecord, conditions: Conditions): Promise<LoadedPolicy> => {
  const { condition } = policy;
  if (!condition) return { ...policy, name };
  const holds = await conditions.compile(condition).catch(
    (cause): Condition =>
      () => {
        throw cause;
      },
  );
  return { ...policy, name, holds };
};

const known = new WeakMap<Conditions, Rules>();

export const generationOf = async (store: Reader<Names>): Promise<number> =>
  (await store.get(ruleGenerations, RULES))?.value.generation ?? 0;

/**
 * The rules of now. One small read tells whether those in memory are; a decision is never made by older ones.
 *
 * @param conditions of the process, which also is what the rules are remembered by
 */
export const rulesOf = async (store: Reader<Names>, conditions: Conditions): Promise<Rules> => {
  const generation = await generationOf(store);
  const remembered = known.get(conditions);
  if (remembered?.generation === generation) return remembered;
  const [roleRows, policyRows] = [
    await store.query(roles, 'all', 'all', { limit: MOST_RULES }),
    await store.query(policies, 'all', 'all', { limit: MOST_RULES }),
  ];
  const fields = new Map<string, RoleFields & { epoch?: number }>(Object.entries(BUILT_IN_ROLES));
  // an index may lag behind by moments: what each record says now is read by its id
  const rows = await store.getMany(
    roles,
    roleRows.items.map(({ id }) => id),
  );
  for (const [name, { value }] of rows) fields.set(name, value satisfies RoleRecord);
  const texts = await store.getMany(
    policies,
    policyRows.items.map(({ id }) => id),
  );
  const loaded = [...texts].map(([name, { value }]) => compiled(name, value, conditions));
  const rules: Rules = { generation, roles: resolveRoles(fields), policies: await Promise.all(loaded) };
  // what changed while it was read is read again at the next decision
  if ((await generationOf(store)) === generation) known.set(conditions, rules);
  return rules;
};

/** What is told of the labels of metrics: names that no rule knows are one. */
export const isNamed = ({ roles: all, policies: texts }: Rules, resource: string, action: string): boolean =>
  [...all.values()].some(({ permissions }) =>
    permissions.some(
      ({ parsed }) => parsed.resource === resource && (parsed.action === action || parsed.action === '*'),
    ),
  ) || texts.some(({ resources, actions }) => resources.includes(resource) && actions.includes(action));

/** The roles of somebody: those assigned that are not over, the default one, all by priority, then by name. */
export const rolesOf = (rules: Rules, assigned: readonly AssignedRole[], now: number): LoadedRole[] => {
  const live = assigned.filter(({ expires_at = Infinity }) => now < expires_at);
  const found = live.flatMap(({ role, epoch }) => {
    const loaded = rules.roles.get(role);
    return loaded?.epoch === epoch ? loaded : [];
  });
  return [...new Set([...found, rules.roles.get(DEFAULT_ROLE)!])].sort(
    (one, two) => two.fields.priority - one.fields.priority || (one.name < two.name ? -1 : 1),
  );
};
