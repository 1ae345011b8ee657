import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, type Step, type Subject } from '../../../functions/permissions/decide.ts';
import { effective, forToken } from '../../../functions/permissions/effective.ts';
import { BUILT_IN_ROLES, type PolicyFields, type RoleFields } from '../../../functions/permissions/model.ts';
import type { Question } from '../../../functions/permissions/question.ts';
import type { AssignedRole, Grant } from '../../../functions/permissions/records.ts';
import { type LoadedPolicy, lineage, type Rules, resolveRoles } from '../../../functions/permissions/rules.ts';
import { createConditions } from '../../../shared/conditions/conditions.ts';
import { holds } from '../../../shared/kit/permissions.ts';

const NOW = 1_000;
const conditions = createConditions();

const role = (fields: Partial<RoleFields>): RoleFields => ({ ...BUILT_IN_ROLES.user!, permissions: [], ...fields });
const rulesOf = async (
  roles: Record<string, Partial<RoleFields>> = {},
  policies: Record<string, Partial<PolicyFields>> = {},
): Promise<Rules> => ({
  generation: 1,
  roles: resolveRoles(
    new Map([...Object.entries(BUILT_IN_ROLES), ...Object.entries(roles).map(([n, r]) => [n, role(r)] as const)]),
  ),
  policies: await Promise.all(
    Object.entries(policies).map(async ([name, fields]): Promise<LoadedPolicy> => {
      const { condition = '' } = fields;
      const whole = { description: '', effect: 'allow' as const, resources: ['docs'], actions: ['*'], roles: [] };
      return {
        ...whole,
        enabled: true,
        ...fields,
        condition,
        name,
        ...(condition && { holds: await conditions.compile(condition) }),
      };
    }),
  ),
});
const given = { given_by: 'test', given_at: 0 };
const has = (name: string, more: Partial<AssignedRole> = {}): AssignedRole => ({
  role: name,
  epoch: 0,
  ...given,
  ...more,
});
const grant = (permission: string, effect: Grant['effect'] = 'allow', more: Partial<Grant> = {}): Grant => ({
  id: permission,
  permission,
  effect,
  ...given,
  ...more,
});
const somebody = (roles: AssignedRole[] = [], grants: Grant[] = []): Subject => ({
  id: 'ada',
  status: 'active',
  assignments: { roles, grants, generation: 1 },
});
const asks = (resource: string, action: string, more: Partial<Question> = {}): Question => ({
  resource,
  action,
  context: {},
  ...more,
});

describe('a decision', () => {
  test('denies what nobody allows, and everything to nobody and to whoever is not active', async () => {
    const rules = await rulesOf();
    const question = asks('docs', 'read');
    expect(decide(rules, somebody(), question, NOW)).toMatchObject({ allowed: false, reason: 'no_rule_allows' });
    expect(decide(rules, { id: 'x' }, question, NOW)).toMatchObject({ allowed: false, reason: 'unknown_user' });
    const suspended = { ...somebody([has('admin')]), status: 'suspended' };
    expect(decide(rules, suspended, question, NOW)).toMatchObject({ allowed: false, reason: 'user_inactive' });
  });

  test('follows inheritance, and names the role that decided', async () => {
    const rules = await rulesOf({
      reader: { permissions: ['docs:read'] },
      writer: { permissions: ['docs:write'], inherits: ['reader'] },
      chief: { inherits: ['writer'] },
    });
    const steps: Step[] = [];
    const decision = decide(rules, somebody([has('chief')]), asks('docs', 'read'), NOW, steps);
    expect(decision).toMatchObject({ allowed: true, reason: 'granted_by_role', applied_policies: ['role:chief'] });
    expect(steps.at(-1)!.detail).toBe('it has docs:read by reader');
  });

  test('takes effect to the second when a role or a grant is over', async () => {
    const rules = await rulesOf({ reader: { permissions: ['docs:read'] } });
    for (const subject of [
      somebody([has('reader', { expires_at: NOW })]),
      somebody([], [grant('docs:read', 'allow', { expires_at: NOW })]),
    ]) {
      expect(decide(rules, subject, asks('docs', 'read'), NOW - 1).allowed).toBe(true);
      expect(decide(rules, subject, asks('docs', 'read'), NOW).allowed).toBe(false);
    }
  });

  test('knows a role of the same name that was made later as another role', async () => {
    const rules = await rulesOf({ reader: { permissions: ['docs:read'] } });
    expect(decide(rules, somebody([has('reader', { epoch: 7 })]), asks('docs', 'read'), NOW).allowed).toBe(false);
  });

  test('lets a denial win over every permission it touches', async () => {
    const rules = await rulesOf();
    const admin = [has('admin')];
    for (const denied of ['docs:read', 'docs:*', '*:read', 'docs:read:team:1']) {
      const subject = somebody(admin, [grant(denied, 'deny')]);
      expect([denied, decide(rules, subject, asks('docs', 'read'), NOW).reason]).toEqual([denied, 'denied_by_grant']);
      expect(decide(rules, subject, asks('users', 'write'), NOW).allowed).toBe(true);
    }
    const elsewhere = somebody(admin, [grant('docs:read:team:1', 'deny')]);
    expect(decide(rules, elsewhere, asks('docs', 'read', { scope: 'team:2' }), NOW).allowed).toBe(true);
  });

  test('knows own by whose the thing is, and teams by their ids', async () => {
    const rules = await rulesOf({ member: { permissions: ['docs:read:own', 'docs:write:team:42'] } });
    const subject = somebody([has('member')]);
    const read = (context: object) =>
      decide(rules, subject, asks('docs', 'read', { context: { ...context } }), NOW).allowed;
    expect([read({}), read({ owner_id: 'eve' }), read({ owner_id: 'ada' })]).toEqual([false, false, true]);
    const write = (scope?: string) => decide(rules, subject, asks('docs', 'write', { scope }), NOW).allowed;
    expect([write(), write('team:1'), write('team:42'), write('any')]).toEqual([false, false, true, false]);
  });

  test('lets policies allow and deny by their conditions, and an error in one denies and is told', async () => {
    const rules = await rulesOf(
      { reader: { permissions: ['docs:read'] } },
      {
        share: { actions: ['share'], condition: 'resource.owner_id == subject.id' },
        night: { effect: 'deny', actions: ['read'], condition: 'context.hour < 8' },
      },
    );
    const subject = somebody([has('reader')]);
    const ask = (action: string, context: Record<string, unknown>) => {
      const { allowed, reason, applied_policies } = decide(rules, subject, asks('docs', action, { context }), NOW);
      return [allowed, reason, ...applied_policies];
    };
    expect(ask('share', { owner_id: 'ada' })).toEqual([true, 'allowed_by_policy', 'policy:share']);
    expect(ask('share', { owner_id: 'eve' })).toEqual([false, 'no_rule_allows']);
    expect(ask('share', {})).toEqual([false, 'condition_failed', 'policy:share']);
    expect(ask('read', { hour: 3 })).toEqual([false, 'denied_by_policy', 'policy:night']);
    expect(ask('read', { hour: 12 })).toEqual([true, 'granted_by_role', 'role:reader']);
    expect(ask('read', {})).toEqual([false, 'condition_failed', 'policy:night']);
    expect(ask('read', { hour: '3' })).toEqual([false, 'condition_failed', 'policy:night']);
  });
});

describe('inheritance', () => {
  test('ends, whatever points at what', () => {
    const names = ['a', 'b', 'c', 'd'] as const;
    const graph = fc.record(Object.fromEntries(names.map((name) => [name, fc.subarray([...names])])));
    fc.assert(
      fc.property(graph, (inherits) => {
        const found = lineage('a', (name) => role({ inherits: inherits[name]! }));
        expect(new Set(found).size).toBe(found.length);
        expect(found[0]).toBe('a');
      }),
    );
  });
});

describe('the permissions of a token', () => {
  const part = fc.constantFrom('docs', 'users', '*');
  const permission = fc
    .tuple(part, fc.constantFrom('read', 'write', '*'), fc.constantFrom('', ':own', ':*'))
    .map((all) => `${all[0]}:${all[1]}${all[2]}`);

  test('allow what the list allows and nothing else, denials first', () => {
    const signed = fc.tuple(permission, fc.boolean()).map(([text, denied]) => (denied ? `!${text}` : text));
    fc.assert(
      fc.property(fc.uniqueArray(signed, { maxLength: 8 }), permission, (held, wanted) => {
        expect(holds(forToken(held), wanted)).toBe(holds(held, wanted));
      }),
      { numRuns: 2_000 },
    );
  });

  test('say the same as a decision about them', async () => {
    const rules = await rulesOf();
    const grants = fc.uniqueArray(fc.tuple(permission, fc.constantFrom('allow', 'deny')), {
      maxLength: 6,
      selector: ([text]) => text,
    });
    fc.assert(
      fc.property(
        grants,
        fc.constantFrom('docs', 'users'),
        fc.constantFrom('read', 'write'),
        (all, resource, action) => {
          const subject = somebody(
            [],
            all.map(([text, effect]) => grant(text, effect as Grant['effect'])),
          );
          const { permissions } = effective(rules, subject.assignments, NOW);
          const { allowed } = decide(rules, subject, asks(resource, action), NOW);
          expect(holds(permissions, `${resource}:${action}`)).toBe(allowed);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('fit into a header, whoever has however many', () => {
    const many = Array.from({ length: 3_000 }, (_, n) => `thing${n}:read`);
    expect(JSON.stringify(forToken(many)).length).toBeLessThan(4_100);
  });
});
