/** Calls for rows that the usual sample does not show. By `<operation> <dependency>`. */
import { createService } from '../../functions/auth/create-service.ts';
import { grantToken } from '../../functions/auth/grant-token.ts';
import { addDevice } from '../../functions/notifications/add-device.ts';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { createRole } from '../../functions/permissions/create-role.ts';
import { updateUserStatus } from '../../functions/users/update-user-status.ts';
import { userWithApp } from '../e2e/authenticator.ts';
import { expectOk, loggedIn, newNumber, PASSWORD, userWithSession, verified, type World } from '../e2e/world.ts';
import { asClient } from './samples/auth.ts';
import { samples } from './samples/index.ts';
import { newDevice } from './samples/notifications.ts';
import { asEvent, asService, type Call, type Sample, type Samples } from './samples/sample.ts';

/** Ms after which a process asks KMS again for what it opened. */
const FORGOTTEN_MS = 300_001;

const byAdmin = async ({ call, admin }: World): Promise<string> =>
  (await loggedIn({ call } as World, admin.email, { password: admin.password })).access_token;

/** An administrator's access token that is older than the last change of permissions. */
export const outdated = async (world: World): Promise<string> => {
  const token = await byAdmin(world);
  const role = { name: `r${crypto.randomUUID().slice(0, 8)}`, permissions: ['docs:read'] };
  await expectOk(world.call(createRole, role, { token: world.service_token }));
  return token;
};

/** An access token of a service that may do all. */
export const tokenOfService = async (world: World): Promise<string> => {
  const service = { name: 'operations', permissions: ['*:*:*'] };
  const { client_id, client_secret } = await expectOk(
    world.call(createService, service, { token: world.service_token }),
  );
  const grant = { grant_type: 'client_credentials', client_id, client_secret };
  return (await expectOk(world.call(grantToken, grant))).access_token;
};

const asAdmin =
  (name: string): Sample =>
  async (world) => ({ input: (await samples[name]!(world)).input, token: await byAdmin(world) });

const ofRefreshToken = async (world: World): Promise<Call> => {
  const { refresh_token } = await userWithSession(world);
  return { input: { grant_type: 'refresh_token', refresh_token } };
};

const withLateCode = async (world: World): Promise<Call> => {
  const { app, access_token: token } = await userWithApp(world);
  world.advance!(FORGOTTEN_MS);
  return { input: { code: app.code() }, token };
};

export const awaySamples: Samples = {
  'auth.remove-totp keys': withLateCode,
  'auth.new-recovery-codes keys': withLateCode,
  'auth.validate-credentials keys': asService(async (world) => {
    const { email, app } = await userWithApp(world);
    world.advance!(FORGOTTEN_MS);
    return { identifier: email, password: PASSWORD, mfa_code: app.code() };
  }),
  'auth.validate-token permissions': async (world) => ({ input: { token: await outdated(world) } }),
  'auth.validate-tokens permissions': async (world) => ({ input: { tokens: [await outdated(world)] } }),
  'auth.introspect users': async (world) => ({
    input: { token: (await userWithSession(world)).refresh_token, ...(await asClient(world)) },
  }),
  'auth.introspect permissions': async (world) => ({
    input: { ...(await asClient(world)), token: await outdated(world) },
  }),
  'auth.grant-token sessions': ofRefreshToken,
  'auth.grant-token users': ofRefreshToken,
  'auth.grant-token permissions': ofRefreshToken,
  'auth.create-service permissions': asAdmin('auth.create-service'),
  'auth.rotate-service permissions': asAdmin('auth.rotate-service'),
  'auth.revoke-service permissions': asAdmin('auth.revoke-service'),
  'users.update-me auth': async (world) => ({
    input: { phone_number: newNumber(), password: PASSWORD },
    token: (await userWithSession(world)).access_token,
  }),
  'users.update-user-status permissions': asService(async (world) => {
    const { user_id } = await verified(world);
    const token = world.service_token;
    await expectOk(world.call(updateUserStatus, { user_id, status: 'suspended' }, { token }));
    return { user_id, status: 'active' };
  }),
  'permissions.revoke-role users': asService(async (world) => {
    const { user_id } = await verified(world);
    await expectOk(world.call(assignRole, { user_id, role: 'admin' }, { token: world.service_token }));
    return { user_id, role: 'admin' };
  }),
  'sessions.on-account-changed users': asEvent('user.password_changed', async (world) => ({
    user_id: (await userWithSession(world)).user_id,
    generation: 0,
  })),
  'notifications.on-user-registered mailer': async (world) => {
    const { input, token } = await samples['notifications.on-user-registered']!(world);
    return { input: { ...input, timestamp: new Date(world.now!()).toISOString() }, token };
  },
  'notifications.on-push-send push': async (world) => {
    const { user_id, access_token: token } = await userWithSession(world);
    await expectOk(world.call(addDevice, newDevice(), { token }));
    return asEvent('notification.push.send', () => ({ recipient: user_id }))(world);
  },
};

/** What an answer without a part holds. */
export const lacking: Readonly<Record<string, object>> = {
  'auth.validate-token permissions': { valid: true, warnings: ['permissions_changed'] },
  'auth.validate-tokens permissions': { results: [{ valid: true, warnings: ['permissions_changed'] }] },
  'sessions.list-sessions notifications': { sessions: [{ connected: false }] },
  'sessions.list-user-sessions notifications': { sessions: [{ connected: false }] },
};
