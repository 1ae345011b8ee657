import { describe, expect, test } from 'vitest';
import { createConditions } from '../../../shared/conditions/conditions.ts';
import type { ConditionFacts } from '../../../shared/ports/conditions.ts';

const conditions = createConditions();
const facts = (context: Record<string, unknown> = {}): ConditionFacts => ({
  subject: { id: 'ada', status: 'active', roles: ['reader'], permissions: ['docs:read'] },
  resource: { type: 'docs', owner_id: 'ada', size: 7 },
  action: { name: 'read' },
  context,
});

describe('a condition', () => {
  // results as the CEL specification has them (https://github.com/google/cel-spec)
  test.each([
    ['resource.owner_id == subject.id', true],
    ['"reader" in subject.roles && !("admin" in subject.roles)', true],
    ['resource.size > 3 && resource.size < 10', true],
    ['resource.size / 2 == 3', true],
    ['resource.size % 2 == 0', false],
    ['action.name in ["read", "list"]', true],
    ['context.ip.startsWith("10.") || context.ip.endsWith(".local")', true],
    ['has(context.missing) ? context.missing : true', true],
    ['subject.permissions.exists(p, p.startsWith("docs:"))', true],
    ['subject.permissions.all(p, p.contains("read"))', true],
    ['timestamp(context.at) < timestamp("2027-01-01T00:00:00Z")', true],
    ['duration("90m") == duration("1h30m")', true],
    ['size(subject.id) == 3', true],
    ['false && context.missing', false],
    ['context.missing || true', true],
    ['context.flag', true],
  ])('%s is %s', async (text, expected) => {
    expect(await conditions.check(text)).toBeUndefined();
    const holds = await conditions.compile(text);
    expect(holds(facts({ ip: '10.0.0.7', at: '2026-05-05T00:00:00Z', flag: true }))).toBe(expected);
  });

  test.each(['context.missing == 1', 'context.ip == 1 / 0', 'int(subject.id) > 1', 'resource.size'])(
    '%s is an error when it is evaluated',
    async (text) => {
      const holds = await conditions.compile(text);
      expect(() => holds(facts({ ip: 'x' }))).toThrow();
    },
  );

  test.each([
    ['1 + "a" == 2', 1, 1],
    ['resource.size > 1 &&\n  nobody.knows', 2, 3],
    ['subject.id ==', 1, 14],
    ['subject.id.matches("(a+)+$")', 1, 1],
    ['subject.roles.all(r, subject.permissions.exists(p, p == r))', 1, 23],
    ['"a" + "b"', 1, 1],
    ['1 == 1 '.repeat(400), 1, 1],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, 1, undefined],
  ])('%s is refused with its place', async (text, line, column) => {
    const fault = await conditions.check(text);
    expect(fault?.line).toBe(line);
    if (column !== undefined) expect(fault!.column).toBeGreaterThanOrEqual(1);
    await expect(conditions.compile(text)).rejects.toThrow();
  });

  test('costs no more than its bounds allow, with the longest lists and texts', async () => {
    const holds = await conditions.compile('subject.permissions.all(p, p.contains(context.long) || p.size() > 0)');
    const permissions = Array.from({ length: 2_000 }, (_, n) => `docs${n}:${'x'.repeat(60)}`);
    const before = process.threadCpuUsage();
    holds({ ...facts({ long: 'y'.repeat(1_024) }), subject: { ...facts().subject, permissions } });
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(50);
  });
});
