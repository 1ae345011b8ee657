import { createService } from '../../../functions/auth/create-service.ts';
import { forgotPassword } from '../../../functions/auth/forgot-password.ts';
import { startPasskey } from '../../../functions/auth/start-passkey.ts';
import { startTotp } from '../../../functions/auth/start-totp.ts';
import { authenticatorOf, mfaToken, userWithApp } from '../../e2e/authenticator.ts';
import { askedFor, moved, wayBack } from '../../e2e/cases/addresses.ts';
import { assertionOf, softPasskey, userWithPasskey } from '../../e2e/passkey.ts';
import {
  expectOk,
  newEmail,
  PASSWORD,
  registered,
  tokenIn,
  userWithSession,
  verified,
  type World,
} from '../../e2e/world.ts';
import { asEvent, asService, type Call, CLIENT, type Samples } from './sample.ts';

const NEXT = 'quiet tractors hum in violet';

/** The token of a mailed link to a new password. */
export const resetToken = async (world: World): Promise<string> => {
  const { email } = await verified(world);
  await expectOk(world.call(forgotPassword, { email }));
  return tokenIn((await world.mails(email)).find(({ text }) => text.includes('reset-password')));
};

/** A service that is there. */
export const someService = async (world: World): Promise<{ client_id: string; client_secret: string }> =>
  expectOk(world.call(createService, { name: 'orders', permissions: ['docs:read'] }, { token: world.service_token }));

/** Who it is, and the proof, as fields of a form. */
export const asClient = async (world: World): Promise<{ client_id: string; client_secret: string }> => {
  const { client_id, client_secret } = await someService(world);
  return { client_id, client_secret };
};

const withCode = async (world: World): Promise<Call> => {
  const { app, access_token: token } = await userWithApp(world);
  return { input: { code: app.code() }, token };
};

export const auth: Samples = {
  'auth.export-user': asService(async (world) => ({ user_id: (await verified(world)).user_id })),
  'auth.register': async () => ({ input: { email: newEmail(), password: PASSWORD } }),
  'auth.confirm-email': async (world) => {
    const { access_token } = await userWithSession(world);
    return { input: { token: await askedFor(world, access_token, newEmail()) } };
  },
  'auth.undo-email': async (world) => ({ input: { token: await wayBack(world, (await moved(world)).email) } }),
  'auth.verify-email': async (world) => ({ input: { token: (await registered(world)).token } }),
  'auth.login': async (world) => ({ input: { identifier: (await verified(world)).email, password: PASSWORD } }),
  'auth.verify-mfa': async (world) => {
    const { email, app } = await userWithApp(world);
    return { input: { mfa_token: await mfaToken(world, email), code: app.code() } };
  },
  'auth.get-factors': async (world) => ({ input: {}, token: (await userWithApp(world)).access_token }),
  'auth.start-totp': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'auth.confirm-totp': async (world) => {
    const { access_token: token } = await userWithSession(world);
    const { secret } = await expectOk(world.call(startTotp, {}, { token }));
    return { input: { code: authenticatorOf(world, secret).code() }, token };
  },
  'auth.start-passkey': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'auth.confirm-passkey': async (world) => {
    const { access_token: token } = await userWithSession(world);
    const options = await expectOk(world.call(startPasskey, {}, { token }));
    return { input: softPasskey(options.user.id).registration(options), token };
  },
  'auth.start-passkey-login': async () => ({ input: {} }),
  'auth.login-with-passkey': async (world) => ({
    input: await assertionOf(world, (await userWithPasskey(world)).passkey),
  }),
  'auth.remove-passkey': async (world) => {
    const { passkey, access_token: token } = await userWithPasskey(world);
    return { input: { id: passkey.id }, token };
  },
  'auth.remove-totp': withCode,
  'auth.new-recovery-codes': withCode,
  'auth.reset-factors': asService(async (world) => ({ user_id: (await userWithApp(world)).user_id })),
  'auth.on-user-deleted': asEvent('user.deleted', async (world) => ({ user_id: (await userWithApp(world)).user_id })),
  'auth.refresh': async (world) => ({ input: { refresh_token: (await userWithSession(world)).refresh_token } }),
  'auth.revoke': async (world) => ({ input: { token: (await userWithSession(world)).access_token } }),
  'auth.logout': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'auth.validate-token': async (world) => ({ input: { token: (await userWithSession(world)).access_token } }),
  'auth.validate-tokens': async (world) => ({ input: { tokens: [(await userWithSession(world)).access_token] } }),
  'auth.validate-credentials': asService(async (world) => ({
    identifier: (await verified(world)).email,
    password: PASSWORD,
  })),
  'auth.change-password': async (world) => ({
    input: { current_password: PASSWORD, new_password: NEXT },
    token: (await userWithSession(world)).access_token,
  }),
  'auth.forgot-password': async (world) => ({ input: { email: (await verified(world)).email } }),
  'auth.reset-password': async (world) => ({ input: { token: await resetToken(world), new_password: NEXT } }),
  'auth.get-jwks': async () => ({ input: {} }),
  'auth.get-openid-configuration': async () => ({ input: {} }),
  'auth.grant-token': async (world) => ({
    input: { grant_type: 'client_credentials', ...(await asClient(world)) },
  }),
  'auth.introspect': async (world) => ({
    input: { token: (await userWithSession(world)).access_token, ...(await asClient(world)) },
  }),
  'auth.list-audit': asService(() => ({})),
  'auth.export-audit': asService(() => ({ action: 'auth.register' })),
  'auth.verify-audit': asService(() => ({})),
  'auth.get-security-log': async (world) => ({ input: {}, token: (await userWithSession(world)).access_token }),
  'auth.list-services': asService(() => ({})),
  'auth.create-service': asService(() => ({ name: 'orders', permissions: ['docs:read:own'] })),
  'auth.rotate-service': asService(async (world) => ({ client_id: (await someService(world)).client_id })),
  'auth.revoke-service': asService(async (world) => ({ client_id: (await someService(world)).client_id })),
  'auth.check-login': asService(async (world) => ({
    identifier: (await verified(world)).email,
    password: PASSWORD,
    ...CLIENT,
  })),
  'auth.prove-password': asService(async (world) => ({
    session_id: 'session',
    user_id: (await verified(world)).user_id,
    password: PASSWORD,
  })),
  'auth.issue-tokens': asService(async (world) => {
    const { user_id, session_id, refresh_token } = await userWithSession(world);
    return { user_id, session_id, refresh_token, generation: 1 };
  }),
};
