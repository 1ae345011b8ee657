import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { login } from '../../functions/auth/login.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { listSessions } from '../../functions/sessions/list-sessions.ts';
import { passwordResetRequested } from '../../functions/users/events.ts';
import { onPasswordResetRequested } from '../../functions/users/on-password-reset-requested.ts';
import type { Context } from '../../shared/kit/context.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, PASSWORD, userWithSession, verified, type World } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

describe('what a caller says of itself', () => {
  let platform: TestPlatform;
  let world: World;
  beforeAll(async () => {
    platform = await testPlatform();
    world = worldOf(platform, http1Door(platform.http.url));
  });
  afterAll(() => platform?.close());

  test('is not believed over REST: address and user agent are those that the door saw', async () => {
    const user = await userWithSession(world);
    const said = { client_ip: 'call +1-900', user_agent: 'see evil.example' };
    const next = await expectOk(world.call(refresh, { refresh_token: user.refresh_token, ...said }));
    const { sessions } = await expectOk(world.call(listSessions, {}, { token: next.access_token }));
    expect(sessions).toMatchObject([{ ip_address: '127.0.0.1', user_agent: 'test' }]);
  });

  test('comes back short in an error, however long it was', async () => {
    const device_info = { [`key${'x'.repeat(50_000)}`]: 'value' };
    const { code, errors } = await world.call(login, { identifier: 'a', password: PASSWORD, device_info });
    expect(code).toBe('invalid_request');
    for (const { path } of errors!) expect(path.length).toBeLessThanOrEqual(100);
  });

  test('is handled once when its event is delivered twice: one mail, and its link works', async () => {
    const { email } = await verified(world);
    const { host } = platform;
    const now = host.ports.clock.now();
    const envelope = {
      message_id: host.ports.ids.uuid(),
      message_type: passwordResetRequested.type,
      timestamp: new Date(now).toISOString(),
      source_service: 'user-service',
      data: { email, ip_address: '', user_agent: '' },
      metadata: { version: 1 },
    };
    const context: Context = {
      request_id: envelope.message_id,
      trace: continueTrace(),
      caller: { kind: 'service', name: 'bus', permissions: [] },
      client: {},
      door: 'queue',
    };
    const deliver = () => host.call(onPasswordResetRequested, envelope, context);
    await Promise.all([deliver(), deliver()]);
    await deliver();
    const mails = await world.mails(email);
    expect(mails.filter(({ text }) => text.includes('reset-password'))).toHaveLength(1);
  });
});
