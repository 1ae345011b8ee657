/** What is changed in the audit log, or taken out of it, shows; and a person goes from it without breaking it. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exportAudit } from '../../functions/auth/export-audit.ts';
import { listAudit } from '../../functions/auth/list-audit.ts';
import { login } from '../../functions/auth/login.ts';
import { verifyAuditLog } from '../../functions/auth/verify-audit.ts';
import { createRole } from '../../functions/permissions/create-role.ts';
import { exportUsers } from '../../functions/users/export-users.ts';
import { getLoginHistory } from '../../functions/users/get-login-history.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { sealAudit } from '../../shared/kit/audit-chain.ts';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { trimAudit } from '../../shared/kit/audit-trim.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { expectOk, PASSWORD, userWithSession } from '../e2e/world.ts';
import { openRig, type Rig } from '../table/rig.ts';

let rig: Rig;
let service: { token: string };
beforeEach(async () => {
  rig = await openRig();
  service = { token: rig.world.service_token };
  for (let n = 0; n < 5; n++) {
    await expectOk(rig.world.call(createRole, { name: `role-${n}`, permissions: ['docs:read'] }, service));
  }
});
afterEach(() => rig?.close());

const verify = () => expectOk(rig.world.call(verifyAuditLog, { limit: 10_000 }, service));

/** As somebody does who has the database and not the platform. */
const tamper = (statement: string): void => {
  const db = new DatabaseSync(join(rig.platform.dataDir, 'perfect21.db'));
  db.exec('PRAGMA busy_timeout = 5000');
  expect(db.prepare(statement).run().changes).toBeGreaterThan(0);
  db.close();
};
const WHERE = "WHERE s_chain = '000000000000003'";

test('a line that was changed shows, by its number', async () => {
  expect(await verify()).toMatchObject({ faults: [], complete: true });
  tamper(`UPDATE r_audit_lines SET data = replace(data, 'role-2', 'role-9') ${WHERE}`);
  expect((await verify()).faults).toEqual([{ number: 3, fault: 'changed' }]);
});

test('a line that was taken away shows, in the middle and at the end', async () => {
  const { verified } = await verify();
  tamper(`DELETE FROM r_audit_lines ${WHERE}`);
  expect((await verify()).faults).toEqual([{ number: 3, fault: 'missing' }]);
  tamper(`DELETE FROM r_audit_lines WHERE s_chain = '${String(verified).padStart(15, '0')}'`);
  expect((await verify()).faults.at(-1)).toEqual({ number: verified, fault: 'missing' });
});

test('another address in a line shows', async () => {
  await verify();
  tamper(`UPDATE r_audit_lines SET data = replace(data, '127.0.0.1', '127.0.0.9') ${WHERE}`);
  expect((await verify()).faults).toEqual([{ number: 3, fault: 'origin_changed' }]);
});

test('many who seal at once make one chain', async () => {
  const { store } = rig.platform.host.ports;
  for (let round = 0; round < 4; round++) {
    await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        expectOk(rig.world.call(createRole, { name: `r-${round}-${n}`, permissions: [] }, service)),
      ),
    );
    await Promise.all(Array.from({ length: 4 }, () => sealAudit(store)));
  }
  expect(await verify()).toMatchObject({ faults: [], complete: true });
  const { items } = await store.query(auditLines, 'chain', 'waiting');
  expect(items).toEqual([]);
});

test('a deleted person is gone from the log, and the chain holds', async () => {
  const { world, platform } = rig;
  const door = http1Door(platform.http.url);
  const { user_id, email, access_token: token } = await userWithSession(world);
  const user_agent = 'Unmistakable/9.1';
  await door.call(login, { identifier: email, password: `${PASSWORD}!` }, { user_agent });
  expect((await door.call(listAudit, {}, { token, user_agent })).code).toBe('forbidden');
  const told = async () => JSON.stringify(await expectOk(world.call(listAudit, { limit: 500 }, service)));
  expect(await told()).toContain(user_agent);
  await verify();
  await expectOk(world.call(updateUserStatus, { user_id, status: 'deleted' }, service));
  await platform.drain();
  expect(await told()).not.toContain(user_agent);
  expect(await told()).toContain(user_id);
  expect(await verify()).toMatchObject({ faults: [], complete: true });
});

test('no call leaves two lines, and who is refused often fills no disk', async () => {
  const { world } = rig;
  const { access_token: token, user_id } = await userWithSession(world);
  for (let n = 0; n < 30; n++) expect((await world.call(listAudit, {}, { token })).code).toBe('forbidden');
  const { entries } = await expectOk(world.call(listAudit, { actor: user_id, limit: 500 }, service));
  expect(entries.length).toBe(10);
  const { entries: all } = await expectOk(world.call(listAudit, { limit: 500 }, service));
  const requests = all.map(({ request_id }: { request_id: string }) => request_id);
  expect(new Set(requests).size).toBe(requests.length);
});

test('all of it comes as rows', async () => {
  const response = await fetch(`${rig.platform.http.url}/api/v1/audit/export?action=permissions.create-role`, {
    headers: { authorization: `Bearer ${service.token}` },
  });
  const rows = (await response.text()).split('\n').filter(Boolean);
  const names = rows.map((row) => (JSON.parse(row) as { about: { name: string } }).about.name);
  expect(names).toEqual(['role-4', 'role-3', 'role-2', 'role-1', 'role-0']);
});

test('lines that were kept long enough go, from the front, and what is left still proves itself', async () => {
  const { platform } = rig;
  const { ports } = platform.host;
  const KEPT = 1_000 * 86_400_000;
  const before = await verify();
  const newest = before.last.number;
  expect(await trimAudit(ports, KEPT)).toBe(0);
  platform.advance(KEPT + 1);
  await expectOk(rig.world.call(createRole, { name: 'young', permissions: [] }, service));
  await verify();
  // all at once: each line goes once
  await Promise.all(Array.from({ length: 3 }, () => trimAudit(ports, KEPT)));
  const after = await verify();
  expect(after).toMatchObject({ faults: [], complete: true });
  expect(after.last.number).toBeGreaterThan(newest);
  expect(after.verified).toBe(after.last.number - newest);
  const { entries } = await expectOk(rig.world.call(listAudit, { action: 'audit.trim' }, service));
  expect(entries).toEqual([
    expect.objectContaining({ actor: 'platform', about: expect.objectContaining({ through: `${newest}` }) }),
  ]);
  expect(
    (await expectOk(rig.world.call(listAudit, { action: 'permissions.create-role' }, service))).entries,
  ).toHaveLength(1);
});

test('a checkpoint that somebody moves, to hide what came before it, shows', async () => {
  const { platform } = rig;
  await verify();
  platform.advance(40 * 86_400_000);
  for (const name of ['later', 'last']) await expectOk(rig.world.call(createRole, { name, permissions: [] }, service));
  await trimAudit(platform.host.ports, 30 * 86_400_000);
  const { last } = await verify();
  tamper(
    `UPDATE r_audit_heads SET data = json_set(data, '$.number', ${last.number}, '$.hash', '${last.hash}') WHERE id = 'tail'`,
  );
  expect((await verify()).faults).toEqual([{ number: last.number, fault: 'missing' }]);
});

test('who reads what is of consequence is noted: all users, the log itself, logins of others; not who reads of himself', async () => {
  const { world, platform } = rig;
  const door = http1Door(platform.http.url);
  const reader = await userWithSession(world);
  await expectOk(world.call(getLoginHistory, { user_id: reader.user_id }, { token: reader.access_token }));
  const noted = async (action: string) => (await expectOk(world.call(listAudit, { action }, service))).entries;
  expect(await noted('users.get-login-history')).toEqual([]);
  await expectOk(world.call(getLoginHistory, { user_id: reader.user_id }, service));
  expect(await noted('users.get-login-history')).toEqual([
    expect.objectContaining({ actor_kind: 'service', subject: reader.user_id, outcome: 'done' }),
  ]);
  for (const op of [exportUsers, exportAudit]) {
    await expectOk(door.call(op, {}, service));
    expect(await noted(op.name)).toHaveLength(1);
    expect((await door.call(op, {}, { token: reader.access_token })).code).toBe('forbidden');
    expect((await noted(op.name)).map(({ outcome }: any) => outcome).sort()).toEqual(['done', 'refused']);
  }
});

test('the log is given as rows to who asks for rows', async () => {
  const { platform } = rig;
  const ask = (accept: string) =>
    fetch(`${platform.http.url}/api/v1/audit?action=permissions.create-role`, {
      headers: { accept, authorization: `Bearer ${service.token}` },
    });
  const rows = await ask('application/x-ndjson');
  expect(rows.headers.get('content-type')).toContain('application/x-ndjson');
  expect(
    (await rows.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).action),
  ).toEqual(Array(5).fill('permissions.create-role'));
  for (const accept of ['*/*', 'application/json', 'text/html, application/x-ndjson-not']) {
    expect(await (await ask(accept)).json()).toMatchObject({ entries: expect.any(Array) });
  }
});
