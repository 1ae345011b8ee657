/** Decisions by a permission are counted, and nothing else is. */
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Caller } from '../../shared/kit/context.ts';
import { callLocal, type Host, invoke } from '../../shared/kit/invoke.ts';
import { type Access, operation } from '../../shared/kit/operation.ts';
import { continueTrace } from '../../shared/kit/trace.ts';

const user = (...permissions: string[]): Caller => ({
  kind: 'user',
  user_id: 'u1',
  session_id: 's',
  jti: 'j',
  generation: 1,
  expires_at: 1,
  permissions,
  roles: [],
});
const service = (...permissions: string[]): Caller => ({ kind: 'service', name: 'reader', permissions });
const nobody: Caller = { kind: 'anonymous' };

/** What is counted when this caller runs an operation of this access, and whether it ran. */
const asked = async (access: Access | readonly Access[], caller: Caller, user_id = 'u1') => {
  const counted: object[] = [];
  const count = (name: string, labels: object) => void counted.push({ name, ...labels });
  const host = { ports: { metrics: { count, observe: () => {} } } } as unknown as Host;
  const run = () => ({});
  const input = z.object({ user_id: z.string() });
  const op = operation({ name: 'demo.ask', summary: 'Answers', access, input, output: z.object({}), run });
  const context = { request_id: 'r', trace: continueTrace(), caller, client: {}, door: 'local' as const };
  const answer = await invoke(host, op, { user_id }, context).then(
    () => 'ran',
    ({ code }) => code,
  );
  return { host, op, context, counted, answer };
};
const check = (resource: string, action: string, result: string) => ({
  name: 'perfect21_permission_checks_total',
  resource,
  action,
  result,
});

describe('a permission that an operation asks for', () => {
  test('is counted by what it names, whether it is held or not', async () => {
    expect(await asked('users:read', user('users:*:*'))).toMatchObject({
      answer: 'ran',
      counted: [check('users', 'read', 'allowed')],
    });
    expect(await asked('users:read', service('sessions:read'))).toMatchObject({
      answer: 'forbidden',
      counted: [check('users', 'read', 'denied')],
    });
    expect(await asked('users:read:any', user('users:read', '!users:read'))).toMatchObject({
      answer: 'forbidden',
      counted: [check('users', 'read', 'denied')],
    });
  });

  test('is counted only where it decides', async () => {
    const either = ['own', 'users:read'] as const;
    expect(await asked(either, user())).toMatchObject({ answer: 'ran', counted: [] });
    expect(await asked(either, user(), 'another')).toMatchObject({
      answer: 'forbidden',
      counted: [check('users', 'read', 'denied')],
    });
    expect(await asked('users:read', nobody)).toMatchObject({ answer: 'unauthenticated', counted: [] });
    expect(await asked('public', user())).toMatchObject({ answer: 'ran', counted: [] });
    expect(await asked('service', user())).toMatchObject({ answer: 'forbidden', counted: [] });
  });

  test('lets a user ask about himself alone, of many as of one', async () => {
    const { host, context } = await asked('users:read', user());
    const op = operation({
      name: 'demo.ask-many',
      summary: 'Answers',
      access: ['own', 'service'],
      subjects: ({ ids }) => ids,
      input: z.object({ ids: z.array(z.string()) }),
      output: z.object({}),
      run: () => ({}),
    });
    const by = (ids: string[], caller: Caller = user()) =>
      invoke(host, op, { ids }, { ...context, caller }).then(
        () => 'ran',
        ({ code }) => code,
      );
    expect(await by(['u1', 'u1'])).toBe('ran');
    expect(await by(['u1', 'u2'])).toBe('forbidden');
    expect(await by([])).toBe('forbidden');
    expect(await by(['u1', 'u2'], service())).toBe('ran');
    expect(await by(['u1'], nobody)).toBe('unauthenticated');
  });

  test('is not asked of the platform that calls one operation for another', async () => {
    const { host, op, context, counted } = await asked('users:read', user());
    counted.length = 0;
    await callLocal(host, op, { user_id: 'u1' }, context);
    expect(counted).toEqual([]);
  });
});

describe('a token that is older than the last change of what its user may', () => {
  const older: Caller = { ...user('users:read'), kind: 'user', outdated: true } as Caller;
  const run = async (access: Access | readonly Access[], user_id: string, standing?: string[]) => {
    let questions = 0;
    const callers: Caller[] = [];
    const { op: stands } = await asked('service', service());
    const host = {
      ports: { metrics: { count: () => {}, observe: () => {} } },
      call: async () => {
        questions += 1;
        return { permissions: standing, roles: ['now'] };
      },
      ...(standing && { standing: stands }),
    } as unknown as Host;
    const op = operation({
      name: 'demo.ask',
      summary: 'Answers',
      access,
      input: z.object({ user_id: z.string() }),
      output: z.object({}),
      run: (_, __, { caller }) => {
        callers.push(caller);
        return {};
      },
    });
    const context = { request_id: 'r', trace: continueTrace(), caller: older, client: {}, door: 'http' as const };
    const answer = await invoke(host, op, { user_id }, context).then(
      () => 'ran',
      ({ code, detail }) => `${code}: ${detail}`,
    );
    return { answer, questions, callers };
  };

  test('is judged by what he may now, and the operation knows of that only', async () => {
    expect(await run('users:read', 'u2', ['sessions:read'])).toMatchObject({
      answer: expect.stringMatching(/^forbidden/),
      questions: 1,
    });
    const { answer, callers } = await run('users:write', 'u2', ['users:*']);
    expect(answer).toBe('ran');
    expect(callers).toEqual([{ ...user('users:*'), roles: ['now'] }]);
  });

  test('is not taken for a permission where nobody can ask, and says what helps', async () => {
    const refused = /^unauthenticated: .*refresh it$/;
    expect((await run('users:read', 'u2')).answer).toMatch(refused);
    expect((await run(['users:read', 'own'], 'u2')).answer).toMatch(refused);
    expect((await run(['users:read', 'own'], 'u1')).answer).toBe('ran');
  });

  test('costs a question only where a permission decides', async () => {
    expect(await run('user', 'u1', [])).toMatchObject({ answer: 'ran', questions: 0 });
    expect(await run('own', 'u1', [])).toMatchObject({ answer: 'ran', questions: 0 });
  });
});
