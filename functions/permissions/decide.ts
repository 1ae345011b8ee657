/**
 * The decision, as a pure function of rules, subject and question.
 *
 * In this order: an account that is not active may nothing; a denial wins over every permission; a policy that denies wins,
 * also when its condition can't be judged; then grants, roles and policies that allow; what nobody allows is denied.
 */
import { covers, type Parsed, parsePermission } from '../../shared/kit/permissions.ts';
import type { ConditionFacts } from '../../shared/ports/conditions.ts';
import { type Question, resourceOf, wantedOf } from './question.ts';
import type { Assignments, Grant } from './records.ts';
import { type LoadedPolicy, type LoadedRole, policiesOn, type Rules, rolesOf } from './rules.ts';

export const REASONS = [
  'unknown_user',
  'user_inactive',
  'denied_by_grant',
  'denied_by_policy',
  'condition_failed',
  'granted_by_grant',
  'granted_by_role',
  'allowed_by_policy',
  'no_rule_allows',
] as const;
export type ReasonCode = (typeof REASONS)[number];

export interface Subject {
  id: string;
  /** Undefined for nobody. */
  status?: string;
  assignments?: Assignments;
}

/** One thing that was looked at: what it is (`grant:…`, `role:…`, `policy:…`), and what came of it. */
export interface Step {
  rule: string;
  outcome: 'allows' | 'denies' | 'passes' | 'fails';
  detail: string;
}

export interface Decision {
  allowed: boolean;
  reason: ReasonCode;
  /** The rules that decided. */
  applied_policies: string[];
}

/** A subject as the rules of now see it: made once, however many questions are asked about it. */
export interface Prepared {
  subject: Subject;
  /** By priority. */
  roles: readonly LoadedRole[];
  /** Of these and of those that they inherit. */
  names(): ReadonlySet<string>;
  denials: readonly ParsedGrant[];
  grants: readonly ParsedGrant[];
  facts(): ConditionFacts['subject'];
}
type ParsedGrant = Grant & { parsed: Parsed };

const once = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** @param now unix seconds */
export const prepare = (rules: Rules, subject: Subject, now: number): Prepared => {
  const { roles: assigned = [], grants = [] } = subject.assignments ?? {};
  const roles = rolesOf(rules, assigned, now);
  const names = once(() => new Set(roles.flatMap((role) => role.names)));
  const live = (effect: Grant['effect']): ParsedGrant[] =>
    grants
      .filter((grant) => grant.effect === effect && now < (grant.expires_at ?? Infinity))
      .map((grant) => ({ ...grant, parsed: { ...parsePermission(grant.permission), denied: effect === 'deny' } }));
  const facts = once(() => ({
    id: subject.id,
    status: subject.status!,
    roles: [...names()],
    permissions: roles.flatMap(({ permissions }) => permissions.map(({ text }) => text)),
  }));
  return { ...{ subject, roles, names, facts }, denials: live('deny'), grants: live('allow') };
};

const speaksOf = (policy: LoadedPolicy, { action }: Question, { names }: Prepared): boolean =>
  policy.enabled &&
  (policy.actions.includes('*') || policy.actions.includes(action)) &&
  (policy.roles.length === 0 || policy.roles.some((role) => names().has(role)));

type Outcome = 'holds' | 'does not hold' | 'fails';

const judge = (policy: LoadedPolicy, facts: () => ConditionFacts): { outcome: Outcome; detail: string } => {
  if (!policy.holds) return { outcome: 'holds', detail: 'it has no condition' };
  try {
    const holds = policy.holds(facts());
    return { outcome: holds ? 'holds' : 'does not hold', detail: `its condition ${holds ? 'holds' : 'does not hold'}` };
  } catch (thrown) {
    const said = thrown instanceof Error ? thrown.message.split('\n')[0]! : 'unknown';
    return { outcome: 'fails', detail: `its condition fails: ${said.slice(0, 200)}` };
  }
};

/**
 * Decides.
 *
 * @param now unix seconds
 * @param steps takes what was looked at, for who asks for the way
 * @example decide(rules, { id, status: 'active' }, { resource: 'docs', action: 'read', context: {} }, now).allowed
 */
export const decide = (rules: Rules, subject: Subject, question: Question, now: number, steps?: Step[]): Decision =>
  decideFor(rules, prepare(rules, subject, now), question, steps);

/** Decides one of several questions about one subject. */
export const decideFor = (rules: Rules, prepared: Prepared, question: Question, steps?: Step[]): Decision => {
  const { subject, roles, denials, grants } = prepared;
  const end = (allowed: boolean, reason: ReasonCode, applied_policies: string[] = []): Decision => ({
    allowed,
    reason,
    applied_policies,
  });
  if (subject.status === undefined) return end(false, 'unknown_user');
  if (subject.status !== 'active') return end(false, 'user_inactive');

  const wanted = wantedOf(question, subject.id);
  const facts = once(
    (): ConditionFacts => ({
      subject: prepared.facts(),
      resource: resourceOf(question),
      action: { name: question.action },
      context: question.context,
    }),
  );

  const denial = denials.find(({ parsed }) => covers(parsed, wanted));
  if (denial) {
    steps?.push({ rule: `grant:${denial.id}`, outcome: 'denies', detail: `${denial.permission} is denied` });
    return end(false, 'denied_by_grant', [`grant:${denial.id}`]);
  }

  const speaking = policiesOn(rules, question.resource).filter((policy) => speaksOf(policy, question, prepared));
  for (const policy of speaking.filter(({ effect }) => effect === 'deny')) {
    const rule = `policy:${policy.name}`;
    const { outcome, detail } = judge(policy, facts);
    steps?.push({ rule, outcome: outcome === 'fails' ? 'fails' : outcome === 'holds' ? 'denies' : 'passes', detail });
    if (outcome !== 'does not hold')
      return end(false, outcome === 'fails' ? 'condition_failed' : 'denied_by_policy', [rule]);
  }

  const grant = grants.find(({ parsed }) => covers(parsed, wanted));
  if (grant) {
    steps?.push({ rule: `grant:${grant.id}`, outcome: 'allows', detail: `${grant.permission} is granted` });
    return end(true, 'granted_by_grant', [`grant:${grant.id}`]);
  }
  for (const role of roles) {
    const found = role.permissions.find(({ parsed }) => covers(parsed, wanted));
    const rule = `role:${role.name}`;
    if (!found) {
      steps?.push({ rule, outcome: 'passes', detail: 'it has no such permission' });
      continue;
    }
    const from = found.role === role.name ? '' : ` by ${found.role}`;
    steps?.push({ rule, outcome: 'allows', detail: `it has ${found.text}${from}` });
    return end(true, 'granted_by_role', [rule]);
  }
  const failed: string[] = [];
  for (const policy of speaking.filter(({ effect }) => effect === 'allow')) {
    const rule = `policy:${policy.name}`;
    const { outcome, detail } = judge(policy, facts);
    steps?.push({ rule, outcome: outcome === 'fails' ? 'fails' : outcome === 'holds' ? 'allows' : 'passes', detail });
    if (outcome === 'holds') return end(true, 'allowed_by_policy', [rule]);
    if (outcome === 'fails') failed.push(rule);
  }
  return failed.length > 0 ? end(false, 'condition_failed', failed) : end(false, 'no_rule_allows');
};
