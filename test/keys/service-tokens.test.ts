import { describe, expect, test } from 'vitest';
import { RevocationSet } from '../../shared/keys/revocation-set.ts';
import {
  createServiceToken,
  serviceCredentials,
  toServiceCredentialWrite,
} from '../../shared/keys/service-credential-records.ts';
import { createServiceTokens, REMEMBERED_MS } from '../../shared/keys/service-tokens.ts';
import type { RevocableClaims } from '../../shared/ports/revocations.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { configOf, memoryStore, TestClock } from './harness.ts';

const { port: ids } = await randomIds.open({}, configOf({}));
const setUp = async () => {
  const [clock, { store, state }] = [new TestClock(), memoryStore()];
  const { token, write } = createServiceToken({ name: 'gateway', permissions: ['users:read:*'] }, { ids, clock });
  await store.transact([write]);
  return { clock, store, state, token, write, tokens: createServiceTokens({ store, clock }) };
};

describe('service tokens', () => {
  test('a token names its service and permissions', async () => {
    const { tokens, token } = await setUp();
    expect(token).toMatch(/^p21s_[0-9a-f-]{36}_[\w-]{43}$/);
    expect(await tokens.verify(token)).toEqual({ name: 'gateway', permissions: ['users:read:*'] });
  });

  test('the store holds no secret', async () => {
    const { token, write } = await setUp();
    expect(JSON.stringify(write)).not.toContain(token.slice(-43));
  });

  test('a wrong secret, another id, another form are refused, after a right one as before', async () => {
    const { tokens, token } = await setUp();
    const wrong = [
      token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A'),
      token.replace(/_[0-9a-f]/, '_g'),
      `${token}A`,
      token.slice(0, -20),
      ` ${token}`,
      '',
      'p21s__',
      token.replace('p21s', 'p21x'),
    ];
    for (const each of wrong) expect(await tokens.verify(each)).toBeUndefined();
    expect(await tokens.verify(token)).toBeDefined();
    for (const each of wrong) expect(await tokens.verify(each)).toBeUndefined();
  });

  test('a credential is asked for once in 30 seconds, and a withdrawn one dies within them', async () => {
    const { tokens, token, store, state, clock, write } = await setUp();
    for (let times = 0; times < 3; times += 1) await tokens.verify(token);
    expect(state.gets).toBe(1);
    await store.transact([{ kind: 'delete', collection: serviceCredentials, id: write.id, version: 1 }]);
    clock.pass(REMEMBERED_MS - 1);
    expect(await tokens.verify(token)).toBeDefined();
    clock.pass(1);
    expect(await tokens.verify(token)).toBeUndefined();
  });

  test('a change of roles sends nobody to the store again, a change of the credential does', async () => {
    const { token, store, state, clock, write } = await setUp();
    const live = new RevocationSet();
    const revocations = { find: (of: RevocableClaims) => live.find(of), learn: () => {} };
    const tokens = createServiceTokens({ store, clock, revocations });
    live.add({ kind: 'roles', value: 'all', generation: 7, created_at: clock.now() });
    for (let times = 0; times < 3; times += 1) expect(await tokens.verify(token)).toBeDefined();
    expect(state.gets).toBe(1);
    live.add({ kind: 'user', value: write.id, generation: 1, error: 'revoked', created_at: clock.now() });
    await tokens.verify(token);
    expect(state.gets).toBe(2);
  });

  test('without the store nobody new is let in', async () => {
    const { tokens, token, state } = await setUp();
    state.mode = 'away';
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a token that an operator chose works when it has the form, and is refused otherwise', async () => {
    const { store, tokens } = await setUp();
    const token = `p21s_gateway_${'x'.repeat(43)}`;
    await store.transact([toServiceCredentialWrite(token, { name: 'own', permissions: [], created_at: 0 })]);
    expect(await tokens.verify(token)).toEqual({ name: 'own', permissions: [] });
    expect(() => toServiceCredentialWrite('p21s_gateway_short', { name: 'x', permissions: [], created_at: 0 })).toThrow(
      'p21s_<id>_',
    );
  });
});
