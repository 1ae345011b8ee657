import { expect, test } from 'vitest';
import { toValidation } from '../../../functions/auth/validation.ts';
import type { Verdict } from '../../../shared/ports/tokens.ts';

const EXP = 2_000_000_000;
const claims = { sub: 'ann', exp: EXP, permissions: ['things:read'] } as never;
const good: Verdict = Object.freeze({ valid: true, claims });
const NOW = (EXP - 900) * 1_000;

test('a token of which nothing is to be said has one answer for as long as its verdict is kept', () => {
  const first = toValidation(good, NOW);
  expect(first).toEqual({
    valid: true,
    user_id: 'ann',
    permissions: ['things:read'],
    expires_at: EXP,
    error_message: '',
    warnings: [],
  });
  expect(toValidation(good, NOW + 1_000)).toBe(first);
  expect(Object.isFrozen(first.warnings)).toBe(true);
});

test.each([
  ['it is over soon', good, NOW + 850_000, {}, { warnings: ['expires_soon'] }],
  ['its client is another', good, NOW, { changes: ['ip_changed'] }, { warnings: ['ip_changed'] }],
  ['other permissions are known', good, NOW, { permissions: ['none'] }, { permissions: ['none'], warnings: [] }],
  ['its verdict warns', { ...good, warnings: ['revocations_stale'] }, NOW, {}, { warnings: ['revocations_stale'] }],
] as const)('and another one while %s', (_, verdict, now, said, told) => {
  const plain = toValidation(good, NOW);
  expect(toValidation(verdict as Verdict, now, said as never)).toEqual({ ...plain, ...told });
  expect(toValidation(good, NOW)).toBe(plain);
});

test('no answer is kept where a token has many permissions', () => {
  const permissions = Array.from({ length: 33 }, (_, n) => `things:${n}`);
  const verdict = Object.freeze({ valid: true, claims: { ...(claims as object), permissions } }) as never;
  expect(toValidation(verdict, NOW)).not.toBe(toValidation(verdict, NOW));
  expect(toValidation(verdict, NOW)).toEqual(toValidation(verdict, NOW));
});
