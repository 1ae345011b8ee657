/** Every packaged function runs with the rights that the template gives it, and what it never uses has a reason. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { createService } from '../../functions/auth/create-service.ts';
import { getJwks } from '../../functions/auth/get-jwks.ts';
import { getOpenidConfiguration } from '../../functions/auth/get-openid-configuration.ts';
import { introspect } from '../../functions/auth/introspect.ts';
import { listAudit } from '../../functions/auth/list-audit.ts';
import { listServices } from '../../functions/auth/list-services.ts';
import { login } from '../../functions/auth/login.ts';
import { revokeService } from '../../functions/auth/revoke-service.ts';
import { rotateService } from '../../functions/auth/rotate-service.ts';
import { verifyAuditLog } from '../../functions/auth/verify-audit.ts';
import { ackNotification } from '../../functions/notifications/ack-notification.ts';
import { addDevice } from '../../functions/notifications/add-device.ts';
import { getDeliveries } from '../../functions/notifications/get-deliveries.ts';
import { issueTicket } from '../../functions/notifications/issue-ticket.ts';
import { listNotifications } from '../../functions/notifications/list-notifications.ts';
import { readNotification } from '../../functions/notifications/read-notification.ts';
import { removeDevice } from '../../functions/notifications/remove-device.ts';
import { sendNotification } from '../../functions/notifications/send-notification.ts';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { createPolicy } from '../../functions/permissions/create-policy.ts';
import { dryRun } from '../../functions/permissions/dry-run.ts';
import { getAuthzenConfiguration } from '../../functions/permissions/get-authzen-configuration.ts';
import { getPolicy } from '../../functions/permissions/get-policy.ts';
import { getRole } from '../../functions/permissions/get-role.ts';
import { listPolicies } from '../../functions/permissions/list-policies.ts';
import { listRoles } from '../../functions/permissions/list-roles.ts';
import { putPolicy } from '../../functions/permissions/put-policy.ts';
import { revokeRole } from '../../functions/permissions/revoke-role.ts';
import { endSessionsOfUser } from '../../functions/sessions/end-sessions-of-user.ts';
import { listRevocations } from '../../functions/sessions/list-revocations.ts';
import { listUserSessions } from '../../functions/sessions/list-user-sessions.ts';
import { exportMe } from '../../functions/users/export-me.ts';
import { exportUsers } from '../../functions/users/export-users.ts';
import { importUsers } from '../../functions/users/import-users.ts';
import { updateProfile } from '../../functions/users/update-profile.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { notedStarts, overBudget } from '../../infra/aws/starts.ts';
import { changed, readCounts } from '../../infra/cost/counts.ts';
import { cases } from '../e2e/cases/index.ts';
import { expectOk, registered, userWithSession } from '../e2e/world.ts';
import { newBrowser } from '../engines/push-service.ts';
import { packaged } from '../support/packaged.ts';
import { countAll } from './counting.ts';
import { rightsOf } from './iam.ts';
import { meter } from './meter.ts';
import { deployStack } from './stack.ts';
import { measureStarts } from './starts.ts';

/** Of the end-to-end cases those that call each function, and no more: each call costs a part of a second here. */
const { unused, cases: chosen } = JSON.parse(readFileSync(new URL('accepted.json', import.meta.url), 'utf8')) as {
  cases: string[];
  unused: { right: string; why: string }[];
};

const metered = meter();
let stack: Awaited<ReturnType<typeof deployStack>>;
beforeAll(async () => {
  await packaged();
  stack = await deployStack({ meter: metered });
}, 240_000);
afterAll(() => stack?.close(), 60_000);

const isAccepted = (right: string, pattern: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(right);

// first, while the tables hold nothing else
test('what a login, a validation and a registration ask of AWS is what was noted', { timeout: 240_000 }, async () => {
  const counts = await countAll(stack, metered);
  expect(changed(readCounts(), counts), 'npm run cost -- --count notes what is').toEqual([]);
});

test('a start of each function takes what was noted, import, init and first answer', { timeout: 240_000 }, async () => {
  const noted = notedStarts();
  // who believes no longer what it knew of revocations is not waited for so long later
  await stack.configure({ PERFECT21_MAX_STALENESS: '500' });
  expect(overBudget(noted, await measureStarts(stack, noted))).toEqual([]);
  // these came from a queue that is none
  const { missing } = stack.iam;
  for (const right of missing) if (right.endsWith(':queue')) missing.delete(right);
});

test('the functions do all their work with their own rights', { timeout: 500_000 }, async () => {
  const { world, iam, invoke } = stack;
  const service = { token: world.service_token };
  const failed: string[] = [];
  // seeds are sealed by KMS
  await stack.configure({ VAULT: stack.addSealingKey() });
  for (const { name, clock, run } of Object.values(cases).flat()) {
    if (clock || !chosen.includes(name)) continue;
    await run(world).catch((thrown: Error) => failed.push(`${name}: ${thrown.message}`));
  }
  const session = await userWithSession(world);
  const own = { token: session.access_token };
  const { access_token: admin } = await expectOk(
    world.call(login, { identifier: world.admin.email, password: world.admin.password }),
  );
  await expectOk(world.call(getJwks, {}));
  await expectOk(world.call(getOpenidConfiguration, {}));
  await expectOk(world.call(getAuthzenConfiguration, {}));
  await expectOk(world.call(listServices, {}, service));
  await expectOk(world.call(listNotifications, {}, own));
  await expectOk(world.call(exportMe, {}, own));
  await expectOk(world.call(updateProfile, { user_id: session.user_id, profile: {} }, service));
  await expectOk(world.call(issueTicket, {}, own));
  await expectOk(world.call(listRevocations, {}, service));
  await expectOk(world.call(listUserSessions, { user_id: session.user_id }, { token: admin }));
  const notice = { template_name: 'notice', template_data: { title: 'Work', text: 'On Sunday' }, category: 'security' };
  const sent = await expectOk(
    world.call(sendNotification, { ...notice, user_id: session.user_id, channels: ['realtime', 'email'] }, service),
  );
  await stack.drain();
  await expectOk(world.call(getDeliveries, { id: sent.id }, service));
  const { notifications: shown } = await expectOk(world.call(listNotifications, {}, own));
  await expectOk(world.call(ackNotification, { id: shown[0].id }, own));
  await expectOk(world.call(readNotification, { id: shown[0].id }, own));
  const { public_key, auth } = newBrowser();
  const endpoint = `https://push.example.org/${session.user_id}`;
  const device = await expectOk(world.call(addDevice, { endpoint, keys: { p256dh: public_key, auth } }, own));
  await expectOk(world.call(removeDevice, { id: device.id }, own));
  // connections that the gateway holds: one leaves, one shows itself when its session ended, one is told of that
  const { sockets } = stack;
  const opened = async (id: string, query: object = {}): Promise<number> => {
    const { ticket } = await expectOk(world.call(issueTicket, {}, own));
    return sockets.connect(id, { ticket, ...query });
  };
  for (const id of ['leaves=', 'shows=', 'waits=']) expect(await opened(id, { since: 'long ago' })).toBe(200);
  await stack.drain();
  await expectOk(
    world.call(sendNotification, { ...notice, user_id: session.user_id, channels: ['realtime'] }, service),
  );
  await stack.drain();
  for (const id of ['leaves=', 'shows=', 'waits=']) {
    const [hello, ...frames] = sockets.sent.get(id)!;
    expect([hello.type, frames.at(-1).type]).toEqual(['hello', 'notification']);
    await sockets.say(id, { type: 'ping' });
    await sockets.say(id, { type: 'ack', id: frames.at(-1).id });
  }
  await sockets.leave('leaves=');
  await expectOk(world.call(endSessionsOfUser, { user_id: session.user_id }, { token: admin }));
  await sockets.say('shows=', { type: 'ping' });
  await stack.drain();
  for (const id of ['shows=', 'waits=']) expect(sockets.sent.get(id)?.at(-1)).toMatchObject({ type: 'session.ended' });
  expect(sockets.closed).toEqual(['shows=', 'waits=']);
  for (const status of ['suspended', 'active']) {
    await expectOk(world.call(updateUserStatus, { user_id: session.user_id, status }, { token: admin }));
  }
  const policy = { effect: 'allow', resources: ['docs'], actions: ['read'], condition: 'context.mfa == "true"' };
  await expectOk(world.call(createPolicy, { ...policy, name: 'with-mfa' }, service));
  await expectOk(world.call(putPolicy, { ...policy, policy: 'with-mfa' }, service));
  await expectOk(world.call(getPolicy, { policy: 'with-mfa' }, service));
  await expectOk(world.call(listPolicies, {}, service));
  await expectOk(world.call(getRole, { role: 'user' }, service));
  await expectOk(world.call(listRoles, {}, service));
  for (const change of [assignRole, revokeRole]) {
    await expectOk(world.call(change, { user_id: session.user_id, role: 'admin' }, service));
  }
  // the rules have changed: a function asks for a refresh before it takes a permission from an older token
  const { access_token: again } = await expectOk(
    world.call(login, { identifier: world.admin.email, password: world.admin.password }),
  );
  const orders = { name: 'orders', permissions: ['docs:read'] };
  const { client_id } = await expectOk(world.call(createService, orders, { token: again }));
  const { client_secret } = await expectOk(world.call(rotateService, { client_id }, { token: again }));
  const changed = await userWithSession(world);
  await expectOk(world.call(assignRole, { user_id: changed.user_id, role: 'admin' }, service));
  await expectOk(world.call(introspect, { client_id, client_secret, token: changed.access_token }));
  await expectOk(world.call(revokeService, { client_id }, { token: again }));
  const change = { kind: 'role', name: 'writers', rule: { permissions: ['docs:write'] } };
  await expectOk(world.call(dryRun, { change }, service));
  for (const filter of [{}, { actor: 'gateway' }, { subject: session.user_id }, { action: 'auth.login' }]) {
    await expectOk(world.call(listAudit, { ...filter, limit: 5 }, service));
  }
  await expectOk(world.call(verifyAuditLog, { limit: 10 }, service));
  // what streams elsewhere: addresses, and a function that works on the rows
  const asking = (op: typeof exportUsers | typeof importUsers, input: object) =>
    expectOk(world.call({ ...op, input: z.looseObject({}) } as never, input, { token: again })) as Promise<any>;
  const { job, upload } = await asking(importUsers, {});
  // which somebody else registered and never proved
  await registered(world, { email: 'imported@example.org' });
  const row = JSON.stringify({ email: 'imported@example.org', external_id: '1' });
  await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: row });
  await stack.drain();
  await asking(exportUsers, { status: 'active' });
  const given = await asking(exportUsers, {});
  await stack.drain();
  for (const [op, id] of [
    [importUsers, job],
    [exportUsers, given.job],
  ] as const) {
    const { result } = await asking(op, { job: id });
    expect(await (await fetch(result.url)).text()).toContain(op === importUsers ? '"created"' : 'imported@example.org');
  }
  // delayed by less and by more than an alarm in the queue can wait
  const { user_id } = await userWithSession(world);
  for (const minutes of [5, 60]) {
    const send_at = new Date(Date.now() + minutes * 60_000).toISOString();
    const template_data = { title: 'Later', text: 'Later' };
    const sending = {
      user_id,
      channels: ['email'],
      category: 'security',
      template_name: 'notice',
      template_data,
      send_at,
    };
    await expectOk(world.call(sendNotification, sending, service));
    const Records = (await stack.outbox()).map(({ id }) => ({ dynamodb: { Keys: { id: { S: id } } } }));
    await invoke('events-relay', { Records });
  }
  // what no try can mend is parked by the function itself, and what may be mended comes again
  await invoke('platform-routes', {
    version: '2.0',
    rawPath: '/readyz',
    headers: {},
    requestContext: { http: { method: 'GET' } },
  });
  await invoke('events-relay', { 'detail-type': 'Scheduled Event', source: 'aws.events' });
  expect([...iam.missing].sort()).toEqual([]);
  expect(failed).toEqual([]);
  // seeds of factors went through KMS, where a deployment names a key for them
  const { GenerateDataKey = 0, Decrypt = 0 } = stack.kms.state.calls;
  expect([GenerateDataKey > 0, Decrypt > 0]).toEqual([true, true]);
});

test('every function was run', () => {
  const left = stack.functions.map(({ key }) => key).filter((key) => !stack.invoked.has(key));
  expect(left).toEqual([]);
});

test('a right that is not used has a reason, and no reason is left over', () => {
  const rights = stack.functions.flatMap((of) => rightsOf(of).map((right) => `${of.key}: ${right}`));
  const idle = rights.filter((right) => !stack.iam.used.has(right));
  const without = idle.filter((right) => !unused.some((each) => isAccepted(right, each.right)));
  expect(without).toEqual([]);
  expect(unused.filter(({ right }) => !idle.some((each) => isAccepted(each, right)))).toEqual([]);
});

test('a call without the right is refused, and told', async () => {
  const [of] = stack.functions;
  const { missing } = stack.iam;
  const before = missing.size;
  const { awsClient } = await import('../../shared/aws/client.ts');
  const credentials = { accessKeyId: of!.key, secretAccessKey: 'local' };
  const client = awsClient('dynamodb', { endpoint: stack.iam.endpoint, region: 'eu-central-1', credentials });
  await expect(client.call('Scan', { TableName: 'perfect21-dev-users' })).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  client.close();
  expect(missing.size).toBe(before + 1);
});
