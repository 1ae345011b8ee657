/** Fields of an operator's own: declared, typed, and read and written by whom they are for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { register } from '../../../functions/auth/register.ts';
import { getMe } from '../../../functions/users/get-me.ts';
import { getUser } from '../../../functions/users/get-user.ts';
import { listUsers } from '../../../functions/users/list-users.ts';
import { updateMe } from '../../../functions/users/update-me.ts';
import { updateProfile } from '../../../functions/users/update-profile.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { grpcDoor } from '../../e2e/doors/grpc.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { worldOf } from '../../e2e/matrix.ts';
import { expectOk, newEmail, PASSWORD, registered, userWithSession, type World } from '../../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../../support/platform.ts';

const FIELDS = {
  company: { max_length: 10, required: true },
  born: { type: 'date' },
  seats: { type: 'integer', min: 1, max: 9 },
  rate: { type: 'number' },
  news: { type: 'boolean' },
  site: { type: 'url' },
  plan: { type: 'choice', choices: ['free', 'pro'], write: 'admin' },
  notes: { write: 'admin', read: 'admin' },
};

let platform: TestPlatform;
const worlds: World[] = [];
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_PROFILE_FIELDS: JSON.stringify(FIELDS) });
  const http = http1Door(platform.http.url);
  worlds.push(worldOf(platform, http), worldOf(platform, grpcDoor(platform.grpc.port, http)));
}, 60_000);
afterAll(() => platform?.close());

const profile = { company: '李 & Söhne' };

test('a user sets the own fields, each as its type wants it; a required one stays, others are emptied by null', async () => {
  for (const world of worlds) {
    const { access_token: token } = await userWithSession(world, { profile });
    const put = (changes: object) => world.call(updateMe, { profile: changes }, { token });
    const good = { born: '1815-12-10', seats: '9', rate: '-2.50', news: 'true', site: 'https://example.org/ada' };
    expect(await expectOk(put(good))).toMatchObject({ profile: { ...profile, ...good } });
    expect(await expectOk(put({ born: null, seats: null }))).toMatchObject({ profile });
    expect((await expectOk(world.call(getMe, {}, { token }))).profile).toEqual({
      ...profile,
      ...{ rate: '-2.50', news: 'true', site: 'https://example.org/ada' },
    });
    for (const [field, value] of [
      ['company', null],
      ['company', 'longer than ten'],
      ['company', ''],
      ['company', 'a\u0000b'],
      ['born', '2025-02-30'],
      ['born', '2025-2-3'],
      ['seats', '10'],
      ['seats', '0'],
      ['seats', '1.0'],
      ['seats', '0x1'],
      ['rate', '1e3'],
      ['rate', 'NaN'],
      ['news', 'yes'],
      ['site', 'javascript:alert(1)'],
      ['site', 'http://'],
      ['plan', 'pro'],
      ['notes', 'mine'],
      ['nothing', 'x'],
      ['constructor', 'x'],
    ] as const) {
      const { code, errors } = await put(JSON.parse(JSON.stringify({ [field]: value })));
      expect([field, value, code, errors?.[0]?.path]).toEqual([field, value, 'invalid_request', `profile.${field}`]);
    }
    const [unknown, hidden] = [await put({ nothing: 'x' }), await put({ notes: 'x' })];
    expect(hidden.errors![0]!.message).toBe(unknown.errors![0]!.message);
  }
});

test('administrators write what users may not, and see what users do not', async () => {
  for (const world of worlds) {
    const { access_token: token, user_id } = await userWithSession(world, { profile });
    const service = { token: world.service_token };
    const changed = { user_id, profile: { plan: 'pro', notes: 'pays late' } };
    expect(await expectOk(world.call(updateProfile, changed, service))).toMatchObject({
      profile: { ...profile, ...changed.profile },
    });
    expect((await world.call(updateProfile, changed, { token })).code).toMatch(/^(forbidden|unauthenticated)$/);
    expect((await expectOk(world.call(getUser, { user_id }, service))).profile.notes).toBe('pays late');
    expect((await expectOk(world.call(getMe, {}, { token }))).profile).toEqual({ ...profile, plan: 'pro' });
    expect((await expectOk(world.call(updateMe, { first_name: 'Ada' }, { token }))).profile).not.toHaveProperty(
      'notes',
    );
    const bad = { user_id, profile: { plan: 'gold' } };
    expect((await world.call(updateProfile, bad, service)).errors?.[0]?.path).toBe('profile.plan');
    const [found] = (await expectOk(world.call(listUsers, { q: user_id, limit: 1 }, service))).users;
    expect(found).toBeUndefined();
  }
});

test('who registers gives the required fields and no others than the own', async () => {
  const [world] = worlds as [World];
  for (const [given, path] of [
    [undefined, 'profile.company'],
    [{ born: '2020-01-01' }, 'profile.company'],
    [{ ...profile, plan: 'pro' }, 'profile.plan'],
  ] as const) {
    const outcome = await world.call(register, { email: newEmail(), password: PASSWORD, profile: given });
    expect(outcome).toMatchObject({ code: 'invalid_request', errors: [{ path }] });
  }
  expect(await registered(world, { profile })).toBeDefined();
});

test.each([
  ['{', 'it is no JSON'],
  ['{"A":{}}', 'A: names are a to z'],
  ['{"a":{"type":"choice"}}', 'a: type choice has choices'],
  ['{"a":{"type":"color"}}', 'a.type: use text'],
  ['{"a":{"read":"admin"}}', 'a: who may write a field may read it'],
  ['{"a":{"colour":1}}', 'a: Unrecognized key'],
])('the setting %s is refused in one line', (text, why) => {
  expect(() => loadConfig({ PERFECT21_PROFILE_FIELDS: text })).toThrow(
    `PERFECT21_PROFILE_FIELDS is not usable: ${why}`,
  );
});
