import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logout } from '../../../functions/auth/logout.ts';
import { refresh } from '../../../functions/auth/refresh.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { listSessions } from '../../../functions/sessions/list-sessions.ts';
import { importUsers } from '../../../functions/users/import-users.ts';
import type { Offline } from '../../../infra/local/offline.ts';
import { revocations } from '../../../shared/keys/revocation-records.ts';
import { POLL_MS } from '../../../shared/keys/store-feed.ts';
import { streams } from '../../../shared/kit/operation.ts';
import { reach } from '../../../shared/kit/reach.ts';
import { cases } from '../../e2e/cases/index.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { expectOk, type Mail, userWithSession, type World } from '../../e2e/world.ts';
import { startOffline } from '../../engines/offline.ts';
import { hear, socketUrl, ticketOf } from '../websocket/listener.ts';

/** Topics whose cases see what others do meanwhile: they change rules for everybody, list everybody, or read the log. */
const ALONE = ['users', 'lists of users', 'permissions', 'services', 'audit'];

describe('the functions of serverless.yml under serverless-offline', () => {
  let offline: Offline;
  beforeAll(async () => {
    offline = await startOffline();
  }, 120_000);
  afterAll(() => offline?.close(), 30_000);

  const world = (): World => ({
    name: 'offline',
    refreshes: true,
    call: async (op, input, options) => {
      const outcome = await http1Door(offline.url).call(op, input, options);
      // each function is a container of its own: the others know of a revocation when they asked the store again;
      // a refresh revokes only when it is refused
      if (reach(op).writes.has(revocations.name) && !(op === refresh && outcome.ok)) await sleep(POLL_MS + 500);
      return outcome;
    },
    mails: async (to) => {
      await offline.drain();
      const response = await fetch(`${offline.mailboxUrl}/api/messages?to=${encodeURIComponent(to)}`);
      return (await response.json()) as Mail[];
    },
    ...offline.credentials,
  });

  // most of their time they wait; the clock of another process is not in our hands
  const alone = (topic: string): boolean => ALONE.includes(topic);
  for (const [topic, list] of Object.entries(cases).sort(
    ([one], [other]) => Number(alone(one)) - Number(alone(other)),
  )) {
    describe(topic, { concurrent: !alone(topic) }, () => {
      // API Gateway carries no streams
      const carried = topic === 'bulk' ? [] : list;
      for (const { name, clock, run } of carried) if (!clock) test(name, () => run(world()), 60_000);
      if (carried.length === 0) test('is elsewhere', () => expect(streams(importUsers)).toBe(true));
    });
  }

  test('are ready when the store takes writes, keys are there and events leave, as a process says it', async () => {
    const answer = await fetch(`${offline.url}/readyz`);
    const ok = { status: 'ok' };
    expect([answer.status, await answer.json()]).toEqual([200, { ...ok, checks: { store: ok, keys: ok, bus: ok } }]);
  });

  describe('hold no WebSocket, and serve those that the gateway holds', () => {
    const told = async (user_id: string, title: string): Promise<string> => {
      const about = { user_id, channels: ['realtime'], category: 'account', template_name: 'notice' };
      const input = { ...about, template_data: { title, text: 'text' } };
      return (await expectOk(world().call(sendNotification, input, { token: world().service_token }))).id;
    };

    test('hello comes first, then what happens; who comes back gets what came meanwhile; the end of the session ends it', async () => {
      const { user_id, access_token } = await userWithSession(world());
      const heard = hear(socketUrl(offline.socketUrl, { ticket: await ticketOf(world(), access_token) }));
      const { data } = await heard.frame('hello');
      expect(heard.frames[0]).toMatchObject({ type: 'hello', data: { heartbeat_ms: 240_000 } });
      expect(data.connection_id).toBe(heard.frames[0]!.id);
      const first = await told(user_id, 'First');
      expect(await heard.frame('notification')).toMatchObject({ id: first, data: { title: 'First', read: false } });
      heard.socket.send(JSON.stringify({ type: 'ack', id: first }));
      heard.socket.send(JSON.stringify({ type: 'ping' }));
      const { sessions } = await expectOk(world().call(listSessions, {}, { token: access_token }));
      expect(sessions).toMatchObject([{ current: true, connected: true }]);
      heard.socket.close(1000);
      await heard.closed;
      const second = await told(user_id, 'Second');
      await offline.drain();
      const back = hear(socketUrl(offline.socketUrl, { ticket: await ticketOf(world(), access_token), since: first }));
      await back.frame('notification');
      expect(back.frames.map(({ type, id }) => (type === 'hello' ? type : id))).toEqual(['hello', second]);
      await expectOk(world().call(logout, {}, { token: access_token }));
      expect(await back.frame('session.ended')).toMatchObject({ data: { reason: 'logout' } });
      await back.closed;
    }, 60_000);

    test('who comes without a ticket, with a spent one or from a page of elsewhere is refused before it is open', async () => {
      const { access_token } = await userWithSession(world());
      const ticket = await ticketOf(world(), access_token);
      const refused = async (query: Record<string, string>, origin?: string) =>
        (await once(hear(socketUrl(offline.socketUrl, query), { ...(origin && { origin }) }).socket, 'error'))[0]
          .message;
      const no = 'Unexpected server response: 403';
      expect(await refused({ ticket }, 'https://elsewhere.example')).toBe(no);
      expect(await refused({})).toBe(no);
      const heard = hear(socketUrl(offline.socketUrl, { ticket }));
      await heard.frame('hello');
      expect(await refused({ ticket })).toBe(no);
      expect(await refused({ ticket, more: '1' })).toBe('Unexpected server response: 400');
      heard.socket.send('{"type":"shout"}');
      await heard.closed;
    }, 60_000);
  });

  test('serve the documents, the browsable API and the pages of mails', async () => {
    const document = (await (await fetch(`${offline.url}/openapi.json`)).json()) as { openapi: string };
    expect(document.openapi).toBe('3.1.0');
    const events = (await (await fetch(`${offline.url}/asyncapi.json`)).json()) as { asyncapi: string };
    expect(events.asyncapi).toBe('3.0.0');
    for (const path of ['/docs', '/docs/swagger-ui-bundle.js', '/verify-email']) {
      const response = await fetch(`${offline.url}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      await response.arrayBuffer();
    }
  });

  test('lead from / to the browsable API', async () => {
    const response = await fetch(`${offline.url}/`);
    expect([response.status, response.url]).toEqual([200, `${offline.url}/docs`]);
    await response.arrayBuffer();
  });

  test('answer unknown paths and methods with problems', async () => {
    const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;
    const unknown = await fetch(`${offline.url}/api/v1/nothing`);
    expect([unknown.status, await codeOf(unknown)]).toEqual([404, 'not_found']);
    const method = await fetch(`${offline.url}/api/v1/auth/login`, { method: 'PUT' });
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await codeOf(method)).toBe('method_not_allowed');
  });
});

test('npm run offline does not start on a taken port, nor beside what it would take for itself', async () => {
  const other = createServer((_, response) => response.end('well')).listen(0, 'localhost');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  for (const ports of [{ http: port }, { socket: port }, { lambda: port }])
    await expect(startOffline({ ports })).rejects.toThrow(`port ${port} is taken: end what listens there`);
  other.close();
});
