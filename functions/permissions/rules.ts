/** Roles and policies as decisions use them: inheritance followed, permissions parsed, conditions compiled, once a change. */
import { type Parsed, parsePermission } from '../../shared/kit/permissions.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Condition, Conditions } from '../../shared/ports/conditions.ts';
import type { Collection, Reader } from '../../shared/ports/store.ts';
import { BUILT_IN_ROLES, DEFAULT_ROLE, type PolicyFields, type RoleFields } from './model.ts';
import { touchedBy } from './policy-rule.ts';
import { type AssignedRole, policies, type RoleRecord, roles, ruleGenerations } from './records.ts';

export const RULES = 'rules';
/** Bounds of a deployment: all of them are in memory of whoever decides. */
export const MOST_RULES = 1_000;

type Stored = 'roles' | 'policies';
/** What reads one kind of rules. */
type RuleReader<N extends Stored> = Reader<N | 'rule_generations'>;

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

/** All roles, at one state of the rules. */
export interface Roles {
  generation: number;
  roles: ReadonlyMap<string, LoadedRole>;
}

export interface Rules extends Roles {
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
export const resolveRole = ({ roles: all }: Roles, name: string, fields: RoleRecord): LoadedRole => {
  const others = [...all.values()].map((role) => [role.name, { ...role.fields, epoch: role.epoch }] as const);
  return resolveRoles(new Map([...others, [name, fields]])).get(name)!;
};

/** The rules with one role as it would be, or without it. Who has it keeps it. */
export const withRole = (rules: Rules, name: string, fields: RoleFields | null): Rules => {
  const all = new Map<string, RoleFields & { epoch?: number }>(
    [...rules.roles.values()].map((role) => [role.name, { ...role.fields, epoch: role.epoch }]),
  );
  if (fields) all.set(name, { ...fields, epoch: rules.roles.get(name)?.epoch });
  else all.delete(name);
  return { ...rules, roles: resolveRoles(all) };
};

/** The rules with one policy as it would be, or without it. */
export const withPolicy = async (
  rules: Rules,
  name: string,
  fields: PolicyFields | null,
  conditions: Conditions,
): Promise<Rules> => {
  const others = rules.policies.filter((policy) => policy.name !== name);
  return { ...rules, policies: fields ? [...others, await compiled(name, fields, conditions)] : others };
};

const compiled = async (name: string, policy: PolicyFields, conditions: Conditions): Promise<LoadedPolicy> => {
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

/** Remembers what a process loaded at a state of the rules. */
const remembering = <N extends Stored, K extends object, T>(load: (store: RuleReader<N>, key: K) => Promise<T>) => {
  const known = new WeakMap<K, { generation: number; loaded: T }>();
  return async (store: RuleReader<N>, key: K, generation: number): Promise<T> => {
    const remembered = known.get(key);
    if (remembered?.generation === generation) return remembered.loaded;
    const loaded = await load(store, key);
    // what changed while it was read is read again at the next question
    if ((await generationOf(store as Reader<'rule_generations'>)) === generation)
      known.set(key, { generation, loaded });
    return loaded;
  };
};

/** One small read tells whether what is in memory is of now: nothing is answered by older rules. */
const generationOf = async (store: Reader<'rule_generations'>): Promise<number> =>
  (await store.get(ruleGenerations, RULES))?.value.generation ?? 0;

/** An index may lag behind by moments: what each record says now is read by its id. */
const readAll = async <N extends Stored, T>(
  store: RuleReader<N>,
  collection: Collection<N, T>,
): Promise<[string, T][]> => {
  const { items } = await store.query(collection, 'all', 'all', { limit: MOST_RULES });
  const rows = await store.getMany(
    collection,
    items.map(({ id }) => id),
  );
  return [...rows].map(([name, { value }]) => [name, value]);
};

const loadRoles = remembering(async (store: RuleReader<'roles'>, _: Clock) =>
  resolveRoles(new Map<string, RoleFields>([...Object.entries(BUILT_IN_ROLES), ...(await readAll(store, roles))])),
);

const loadPolicies = remembering(async (store: RuleReader<'policies'>, conditions: Conditions) => {
  const all = await readAll(store, policies);
  return Promise.all(all.map(([name, value]) => compiled(name, value, conditions)));
});

/** The roles of now. @param clock of the process, which is what they are remembered by */
export const rolesNow = async (store: RuleReader<'roles'>, clock: Clock): Promise<Roles> => {
  const generation = await generationOf(store as Reader<'rule_generations'>);
  return { generation, roles: await loadRoles(store, clock, generation) };
};

/** Roles and policies of now. @param ports of the process, which are what they are remembered by */
export const rulesOf = async (
  store: Reader<Stored | 'rule_generations'>,
  { clock, conditions }: { clock: Clock; conditions: Conditions },
): Promise<Rules> => {
  const generation = await generationOf(store);
  const [all, texts] = await Promise.all([
    loadRoles(store, clock, generation),
    loadPolicies(store, conditions, generation),
  ]);
  return { generation, roles: all, policies: texts };
};

const byResource = new WeakMap<object, { any: LoadedPolicy[]; of: Map<string, LoadedPolicy[]> }>();

/** The policies that speak of a resource, in their order: of many, few do. */
export const policiesOn = ({ policies: all }: Rules, resource: string): readonly LoadedPolicy[] => {
  let known = byResource.get(all);
  if (!known) {
    const about = (name: string) => all.filter(({ resources: named }) => named.includes('*') || named.includes(name));
    const names = new Set(all.flatMap((policy) => policy.resources));
    known = { any: about('*'), of: new Map([...names].map((name) => [name, about(name)])) };
    byResource.set(all, known);
  }
  return known.of.get(resource) ?? known.any;
};

const namedBy = new WeakMap<object, ReadonlySet<string>>();

/** True for a resource and an action that some rule names: all others are one label of metrics. */
export const isNamed = ({ roles: all, policies: texts }: Rules, resource: string, action: string): boolean => {
  const named = (of: object, names: () => string[]): boolean => {
    const found = namedBy.get(of) ?? new Set(names());
    namedBy.set(of, found);
    return found.has(`${resource}:${action}`) || found.has(`${resource}:*`);
  };
  const ofRoles = () =>
    [...all.values()].flatMap(({ permissions }) =>
      permissions.map(({ parsed }) => `${parsed.resource}:${parsed.action}`),
    );
  return named(all, ofRoles) || named(texts, () => texts.flatMap(touchedBy));
};

/** The roles of somebody: those assigned that are not over, the default one, all by priority, then by name. */
export const rolesOf = (rules: Roles, assigned: readonly AssignedRole[], now: number): LoadedRole[] => {
  const found = [rules.roles.get(DEFAULT_ROLE)!];
  for (const { role, epoch, expires_at = Infinity } of assigned) {
    const loaded = now < expires_at ? rules.roles.get(role) : undefined;
    if (loaded?.epoch === epoch && loaded && !found.includes(loaded)) found.push(loaded);
  }
  return found.sort(byPriority);
};

const byPriority = (one: LoadedRole, two: LoadedRole): number =>
  two.fields.priority - one.fields.priority || (one.name < two.name ? -1 : 1);
