import { expect } from 'vitest';
import { createService } from '../../../functions/auth/create-service.ts';
import { grantToken } from '../../../functions/auth/grant-token.ts';
import { introspect } from '../../../functions/auth/introspect.ts';
import { listServices } from '../../../functions/auth/list-services.ts';
import { revoke } from '../../../functions/auth/revoke.ts';
import { revokeService } from '../../../functions/auth/revoke-service.ts';
import { rotateService } from '../../../functions/auth/rotate-service.ts';
import { getUser } from '../../../functions/users/get-user.ts';
import { type Case, expectOk, loggedIn, userWithSession, verified, type World } from '../world.ts';

const service = (world: World) => ({ token: world.service_token });
const CREDENTIALS = { grant_type: 'client_credentials' };

const made = (world: World, permissions: string[]): Promise<{ client_id: string; client_secret: string }> =>
  expectOk(world.call(createService, { name: 'orders', permissions }, service(world)));

const [json, form] = revoke.http;

export const services: Case[] = [
  {
    name: 'a service gets a token for its credentials, with what it holds or less, and calls with it',
    run: async (world) => {
      const { user_id } = await verified(world);
      const { client_id, client_secret } = await made(world, ['users:read', 'docs:*']);
      const client = { client_id, client_secret };
      const token = await expectOk(world.call(grantToken, { ...CREDENTIALS, ...client }));
      expect(token).toMatchObject({ token_type: 'Bearer', scope: 'users:read docs:*' });
      // of fifteen minutes a second may have passed when the answer is made
      expect([899, 900]).toContain(token.expires_in);
      const found = await expectOk(world.call(getUser, { user_id }, { token: token.access_token }));
      expect(found.user_id ?? found.id).toBe(user_id);
      const less = await expectOk(world.call(grantToken, { ...CREDENTIALS, ...client, scope: 'docs:read' }));
      expect(less.scope).toBe('docs:read');
      expect((await world.call(getUser, { user_id }, { token: less.access_token })).code).toBe('forbidden');
      const more = await world.call(grantToken, { ...CREDENTIALS, ...client, scope: 'users:write' });
      expect(more.code).toBe('invalid_scope');
      const wrong = client_secret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
      const refused = await world.call(grantToken, { ...CREDENTIALS, client_id, client_secret: wrong });
      expect(refused.code).toBe('invalid_client');
    },
  },
  {
    name: 'a new secret is good beside the old one for a while, and with no overlap the old tokens die',
    clock: true,
    run: async (world) => {
      const { client_id, client_secret: first } = await made(world, ['users:read']);
      const ask = (client_secret: string) => world.call(grantToken, { ...CREDENTIALS, client_id, client_secret });
      const { client_secret: second } = await expectOk(
        world.call(rotateService, { client_id, overlap: 60 }, service(world)),
      );
      for (const each of [first, second]) await expectOk(ask(each));
      world.advance!(60_000);
      expect((await ask(first)).code).toBe('invalid_client');
      const { access_token } = await expectOk(ask(second));
      const { client_secret: third } = await expectOk(
        world.call(rotateService, { client_id, overlap: 0 }, service(world)),
      );
      expect((await ask(second)).code).toBe('invalid_client');
      const { user_id } = await verified(world);
      for (const token of [access_token, second]) {
        expect((await world.call(getUser, { user_id }, { token })).code).toBe('unauthenticated');
      }
      await expectOk(world.call(getUser, { user_id }, { token: third }));
    },
  },
  {
    name: 'a revoked service is out at once, with its tokens, and stands in no list any more',
    run: async (world) => {
      const { client_id, client_secret } = await made(world, ['users:read']);
      const { access_token } = await expectOk(world.call(grantToken, { ...CREDENTIALS, client_id, client_secret }));
      const listed = async () => {
        const { services: all } = await expectOk(world.call(listServices, { limit: 200 }, service(world)));
        return all.find((each: { client_id: string }) => each.client_id === client_id);
      };
      const shown = await listed();
      expect(shown).toMatchObject({ name: 'orders', permissions: ['users:read'], secrets: [{}], keys: [] });
      expect(JSON.stringify(shown)).not.toMatch(/hash|p21s_/);
      await expectOk(world.call(revokeService, { client_id }, service(world)));
      const { user_id } = await verified(world);
      for (const token of [access_token, client_secret]) {
        expect((await world.call(getUser, { user_id }, { token })).code).toBe('unauthenticated');
      }
      expect(await listed()).toBeUndefined();
    },
  },
  {
    name: 'a service is told what a token stands for; who proves nothing is not',
    run: async (world) => {
      const client = await made(world, []);
      const { client_id, client_secret } = client;
      const ask = (token: string) => expectOk(world.call(introspect, { client_id, client_secret, token }));
      const { access_token, refresh_token, user_id, session_id } = await userWithSession(world);
      expect(await ask(access_token)).toMatchObject({
        active: true,
        sub: user_id,
        sid: session_id,
        client_id: 'perfect21',
      });
      expect(await ask(refresh_token)).toMatchObject({ active: true, token_type: 'refresh_token', sub: user_id });
      expect(await ask(client_secret)).toMatchObject({ active: true, sub: client_id });
      expect((await world.call(introspect, { token: access_token })).code).toBe('invalid_client');
      await expectOk(world.call(revoke, { token: access_token }, { via: form, ...service(world) }));
      expect(await ask(access_token)).toEqual({ active: false });
      await expectOk(world.call(revoke, { token: refresh_token }, { via: json, ...service(world) }));
      expect(await ask(refresh_token)).toEqual({ active: false });
      expect(await ask('none-of-ours')).toEqual({ active: false });
    },
  },
  {
    name: "a user's refresh token is exchanged at the token endpoint as elsewhere; no service may use it up",
    run: async (world) => {
      const { client_id, client_secret } = await made(world, []);
      const { refresh_token } = await userWithSession(world);
      const grant = { grant_type: 'refresh_token', refresh_token };
      expect((await world.call(grantToken, { ...grant, client_id, client_secret })).code).toBe('invalid_grant');
      const next = await expectOk(world.call(grantToken, { ...grant, client_id: 'perfect21' }));
      expect(next.refresh_token).not.toBe(refresh_token);
      const again = { grant_type: 'refresh_token', refresh_token: next.refresh_token };
      await expectOk(world.call(grantToken, again));
    },
  },
  {
    name: 'an administrator who makes a service is told of it, and of its end',
    run: async (world) => {
      const { access_token: token } = await loggedIn(world, world.admin.email, { password: world.admin.password });
      const { client_id } = await expectOk(world.call(createService, { name: 'reports' }, { token }));
      await expectOk(world.call(revokeService, { client_id }, service(world)));
      const told = (await world.mails(world.admin.email)).map(({ text }) => text);
      for (const what of ['created', 'revoked']) {
        expect(told.some((text) => text.includes('"reports"') && text.includes(what))).toBe(true);
      }
    },
  },
];
