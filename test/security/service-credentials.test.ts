/** Who administers services neither climbs by them nor takes them from whoever stands above him. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createService } from '../../functions/auth/create-service.ts';
import { revokeService } from '../../functions/auth/revoke-service.ts';
import { rotateService } from '../../functions/auth/rotate-service.ts';
import { grantPermission } from '../../functions/permissions/grant-permission.ts';
import { revokePermission } from '../../functions/permissions/revoke-permission.ts';
import { expectOk, loggedIn, verified } from '../e2e/world.ts';
import { openRig, type Rig } from '../table/rig.ts';

let rig: Rig;
let clerk: { user_id: string; token: string };
let chief: string;
beforeAll(async () => {
  rig = await openRig();
  const { world } = rig;
  const service = { token: world.service_token };
  const { email, user_id } = await verified(world);
  for (const permission of ['services:*', 'docs:read']) {
    await expectOk(world.call(grantPermission, { user_id, permission }, service));
  }
  clerk = { user_id, token: (await loggedIn(world, email)).access_token };
  const made = await expectOk(world.call(createService, { name: 'chief', permissions: ['*:*:*'] }, service));
  chief = made.client_id;
});
afterAll(() => rig?.close());

test('a clerk makes services that may what he may, and no more', async () => {
  const { token } = clerk;
  const make = (permissions: string[]) => rig.world.call(createService, { name: 'mine', permissions }, { token });
  expect((await make(['docs:read'])).ok).toBe(true);
  for (const beyond of ['docs:write', '*:*:*', 'users:read', 'docs:*']) {
    expect([beyond, (await make(['docs:read', beyond])).code]).toEqual([beyond, 'forbidden']);
  }
});

test('a clerk neither gets the secret of a service that may more, nor ends it', async () => {
  const { token } = clerk;
  for (const op of [rotateService, revokeService]) {
    expect((await rig.world.call(op, { client_id: chief }, { token })).code).toBe('forbidden');
  }
});

test('what was taken from a clerk counts at once, though his token still says it', async () => {
  const { user_id, token } = clerk;
  const service = { token: rig.world.service_token };
  await expectOk(rig.world.call(grantPermission, { user_id, permission: 'docs:write' }, service));
  await expectOk(rig.world.call(revokePermission, { user_id, permission: 'docs:write' }, service));
  const made = await rig.world.call(createService, { name: 'late', permissions: ['docs:write'] }, { token });
  expect(made.code).toBe('forbidden');
});

test('a service gives no other what it does not hold', async () => {
  const { world } = rig;
  const service = { token: world.service_token };
  const few = { name: 'maker', permissions: ['services:write', 'docs:read'] };
  const { client_secret: token } = await expectOk(world.call(createService, few, service));
  expect((await world.call(createService, { name: 'more', permissions: ['docs:write'] }, { token })).code).toBe(
    'forbidden',
  );
  await expectOk(world.call(createService, { name: 'less', permissions: ['docs:read:own'] }, { token }));
});

test('no secret stands in the store, nor in an event', async () => {
  const { world, platform } = rig;
  const { client_secret } = await expectOk(
    world.call(createService, { name: 'quiet' }, { token: world.service_token }),
  );
  const db = new DatabaseSync(join(platform.dataDir, 'perfect21.db'), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  const all = tables.flatMap(({ name }) => db.prepare(`SELECT * FROM "${name}"`).all());
  db.close();
  expect(JSON.stringify(all)).toContain('quiet');
  // its last 43 characters, among which may be an underscore
  expect(JSON.stringify(all)).not.toContain(client_secret.slice(-43));
});
