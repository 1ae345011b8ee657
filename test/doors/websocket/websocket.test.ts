/** Open tabs hear of what concerns their user, at once and in order, and end with the session. */
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changePassword } from '../../../functions/auth/change-password.ts';
import { logout } from '../../../functions/auth/logout.ts';
import { deliveryId } from '../../../functions/notifications/model.ts';
import { deliveries, inbox, presence } from '../../../functions/notifications/records.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { assignRole } from '../../../functions/permissions/assign-role.ts';
import { createRole } from '../../../functions/permissions/create-role.ts';
import { listSessions } from '../../../functions/sessions/list-sessions.ts';
import { expectOk, loggedIn, PASSWORD, userWithSession } from '../../e2e/world.ts';
import { openRig, type Rig } from '../../table/rig.ts';
import { until } from '../http/harness.ts';
import { hear, socketUrl, ticketOf } from './listener.ts';

describe('a WebSocket', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  }, 60_000);
  afterAll(() => rig?.close());

  const url = (query: Record<string, string>): string => socketUrl(rig.platform.http.url, query);
  const opened = async (token: string, query: Record<string, string> = {}) => {
    const heard = hear(url({ ticket: await ticketOf(rig.world, token), ...query }));
    await heard.frame('hello');
    return heard;
  };
  const notice = async (user_id: string, title: string): Promise<string> => {
    const { id } = await expectOk(
      rig.world.call(
        sendNotification,
        {
          user_id,
          channels: ['realtime'],
          category: 'account',
          template_name: 'notice',
          template_data: { title, text: 'text' },
        },
        { token: rig.world.service_token },
      ),
    );
    return id;
  };

  test('says hello first, with the beat that it expects', async () => {
    const { access_token } = await userWithSession(rig.world);
    const { frames, socket } = await opened(access_token);
    expect(frames[0]).toMatchObject({ type: 'hello', data: { heartbeat_ms: 30_000 } });
    expect(frames[0]!.data.connection_id).toEqual(frames[0]!.id);
    expect(Math.abs(frames[0]!.at - Date.now() / 1_000)).toBeLessThan(5);
    socket.close();
  });

  test('tells each open tab of a message, and no other user', async () => {
    const [mine, other] = [await userWithSession(rig.world), await userWithSession(rig.world)];
    const tabs = [await opened(mine.access_token), await opened(mine.access_token)];
    const stranger = await opened(other.access_token);
    const id = await notice(mine.user_id, 'Planned work');
    for (const tab of tabs) {
      const frame = await tab.frame('notification');
      expect(frame).toMatchObject({ id, data: { id, title: 'Planned work', text: 'text', read: false } });
      tab.socket.send(JSON.stringify({ type: 'ack', id }));
    }
    await notice(other.user_id, 'Yours');
    expect((await stranger.frame('notification')).data.title).toBe('Yours');
    expect(stranger.frames.filter(({ type }) => type === 'notification')).toHaveLength(1);
    for (const { socket } of [...tabs, stranger]) socket.close();
  });

  test('that acknowledges a message takes it: it goes no other way; what was not sent to it, it can acknowledge in vain', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const tab = await opened(access_token);
    const sent = async (title: string): Promise<string> => {
      const about = { user_id, channels: ['realtime'], category: 'account', template_name: 'notice' };
      const input = { ...about, template_data: { title, text: 'text' }, fallback_after: 10 };
      return (await expectOk(rig.world.call(sendNotification, input, { token: rig.world.service_token }))).id;
    };
    const heard = (id: string) => until(() => tab.frames.some((frame) => frame.id === id));
    const [taken, ignored] = [await sent('taken'), await sent('ignored')];
    await heard(taken);
    await heard(ignored);
    for (const id of [taken, taken, crypto.randomUUID()]) tab.socket.send(JSON.stringify({ type: 'ack', id }));
    // both ways are told by the ledger, whose frames come over the same socket
    await until(async () => (await rig.platform.host.ports.store.get(inbox, taken))?.value.taken_at !== undefined);
    const found = async (id: string, channel: 'push' | 'email') =>
      (await rig.platform.host.ports.store.get(deliveries, deliveryId(id, channel)))?.value;
    rig.platform.advance(25_000);
    await rig.platform.drain();
    expect(await found(taken, 'push')).toMatchObject({ status: 'suppressed', reason: 'taken' });
    expect(await found(taken, 'email')).toMatchObject({ status: 'suppressed', reason: 'taken' });
    expect(await found(ignored, 'push')).toMatchObject({ status: 'suppressed', reason: 'no_device' });
    expect((await found(ignored, 'email'))?.status).toBe('sent');
    tab.socket.close();
  });

  test('shows in the list of sessions which device is connected, for as long as it is', async () => {
    const user = await userWithSession(rig.world);
    const other = await loggedIn(rig.world, user.email);
    const token = user.access_token;
    const connected = async (): Promise<Record<string, [boolean, number | undefined]>> => {
      const { sessions } = await expectOk(rig.world.call(listSessions, {}, { token }));
      return Object.fromEntries(sessions.map((each: any) => [each.id, [each.connected, each.connected_since]]));
    };
    expect(await connected()).toEqual({
      [user.session_id]: [false, undefined],
      [other.session_id]: [false, undefined],
    });
    const [tab, second] = [await opened(token), await opened(token)];
    const shown = await connected();
    expect(shown[user.session_id]?.[0]).toBe(true);
    expect(Math.abs(shown[user.session_id]![1]! - rig.platform.now() / 1_000)).toBeLessThan(5);
    expect(shown[other.session_id]?.[0]).toBe(false);
    // longer than a device counts that is not heard of again
    const seen = async () =>
      (await rig.platform.host.ports.store.get(presence, user.user_id))?.value.sessions[user.session_id]?.seen_at ?? 0;
    for (let times = 0; times < 2; times++) {
      rig.platform.advance(6 * 60_000);
      await until(async () => rig.platform.now() - (await seen()) < 60_000);
    }
    expect((await connected())[user.session_id]).toEqual(shown[user.session_id]);
    tab.socket.close();
    await tab.closed;
    expect((await connected())[user.session_id]?.[0]).toBe(true);
    second.socket.close();
    await until(async () => (await connected())[user.session_id]?.[0] === false);
  });

  test('keeps the order of a user, and tells who comes back what was missed, once', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const first = await opened(access_token);
    const seen = await notice(user_id, 'one');
    await first.frame('notification');
    first.socket.close();
    await first.closed;
    const missed = [await notice(user_id, 'two'), await notice(user_id, 'three')];
    await rig.platform.drain();
    const second = await opened(access_token, { since: seen });
    const live = await notice(user_id, 'four');
    await expect.poll(() => second.frames.map(({ id }) => id).slice(1)).toEqual([...missed, live]);
    second.socket.close();
  });

  test('tells what was missed after the id of another frame, too', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const first = await opened(access_token);
    const hello = first.frames[0]!.id;
    first.socket.close();
    await first.closed;
    const id = await notice(user_id, 'meanwhile');
    await rig.platform.drain();
    const second = await opened(access_token, { since: hello });
    expect((await second.frame('notification')).id).toBe(id);
    second.socket.close();
  });

  test('tells what became of a message on other channels', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const { socket, frame } = await opened(access_token);
    const message = {
      user_id,
      category: 'security',
      template_name: 'notice',
      template_data: { title: 'a', text: 'b' },
    };
    const input = { ...message, channels: ['email'] };
    const { id } = await expectOk(rig.world.call(sendNotification, input, { token: rig.world.service_token }));
    expect((await frame('delivery')).data).toEqual({ id, channel: 'email', status: 'sent' });
    socket.close();
  });

  test('hears of a change of permissions, but not who made it', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const { socket, frame } = await opened(access_token);
    const service = { token: rig.world.service_token };
    await expectOk(rig.world.call(createRole, { name: 'reader-of-ws', permissions: ['docs:read:any'] }, service));
    await expectOk(rig.world.call(assignRole, { user_id, role: 'reader-of-ws', reason: 'secret reason' }, service));
    const told = await frame('permissions.changed');
    expect(told.data).toEqual({ change: 'permission.role_assigned', role: 'reader-of-ws' });
    socket.close();
  });

  test('ends with its session: a last frame says why, then 4401', async () => {
    const { access_token } = await userWithSession(rig.world);
    const { closed, frames } = await opened(access_token);
    await expectOk(rig.world.call(logout, {}, { token: access_token }));
    expect((await closed).code).toBe(4401);
    expect(frames.at(-1)).toMatchObject({ type: 'session.ended' });
  });

  test('of another session ends when the password changes, and the one that changed it goes on', async () => {
    const { email, user_id, access_token } = await userWithSession(rig.world);
    const other = await loggedIn(rig.world, email);
    const [here, there] = [await opened(access_token), await opened(other.access_token)];
    await expectOk(
      rig.world.call(
        changePassword,
        { current_password: PASSWORD, new_password: 'quiet tractors hum in violet' },
        { token: access_token },
      ),
    );
    expect((await there.closed).code).toBe(4401);
    await notice(user_id, 'still here');
    await expect.poll(() => here.frames.map(({ data }) => data.title)).toContain('still here');
    here.socket.close();
  });

  test('ends with its token', async () => {
    const { access_token } = await userWithSession(rig.world);
    const { closed } = await opened(access_token);
    rig.platform.advance(901_000);
    expect(await closed).toMatchObject({ code: 4401, reason: 'The token is over' });
  });

  test('takes a ticket once, for 30 seconds, and from no page of another origin: 4403', async () => {
    const { access_token } = await userWithSession(rig.world);
    const ticket = await ticketOf(rig.world, access_token);
    const twice = [hear(url({ ticket })), hear(url({ ticket }))];
    const codes = await Promise.race([...twice.map(async ({ closed }) => (await closed).code)]);
    expect(codes).toBe(4403);
    const late = await ticketOf(rig.world, access_token);
    rig.platform.advance(31_000);
    expect((await hear(url({ ticket: late })).closed).code).toBe(4403);
    expect((await hear(url({ ticket: 'nonsense' })).closed).code).toBe(4403);
    expect((await hear(url({})).closed).code).toBe(4403);
    const foreign = await ticketOf(rig.world, access_token);
    expect((await hear(url({ ticket: foreign }), { origin: 'https://evil.example' }).closed).code).toBe(4403);
    // it was not spent by the page that was refused
    const local = hear(url({ ticket: foreign }), { origin: 'http://localhost:5173' });
    await local.frame('hello');
    for (const { socket } of [...twice, local]) socket.terminate();
  });

  test('ends on what is no frame: binary 1003, no JSON 1007, unknown 1008, too large 1009, many pieces 1008', async () => {
    const { access_token } = await userWithSession(rig.world);
    const ends = async (say: (heard: Awaited<ReturnType<typeof opened>>) => void): Promise<number> => {
      const heard = await opened(access_token);
      say(heard);
      return (await heard.closed).code;
    };
    expect(await ends(({ socket }) => socket.send(Buffer.from('{}')))).toBe(1003);
    expect(await ends(({ socket }) => socket.send('{'))).toBe(1007);
    expect(await ends(({ socket }) => socket.send('[]'))).toBe(1008);
    expect(await ends(({ socket }) => socket.send('{"type":"subscribe"}'))).toBe(1008);
    expect(await ends(({ socket }) => socket.send('{"type":"toString"}'))).toBe(1008);
    expect(await ends(({ socket }) => socket.send(`"${'x'.repeat(5_000)}"`))).toBe(1009);
    expect(
      await ends(({ socket }) => {
        for (let n = 0; n < 100; n += 1) socket.send('1', { fin: false });
      }),
    ).toBe(1008);
  });

  test('ends a flood with 4429, of messages and of pings, while others are heard', async () => {
    const [one, other] = [await userWithSession(rig.world), await userWithSession(rig.world)];
    const calm = await opened(other.access_token);
    const floods = [await opened(one.access_token), await opened(one.access_token)];
    for (let n = 0; n < 200; n += 1) {
      floods[0]!.socket.send('{"type":"ping"}');
      floods[1]!.socket.ping();
    }
    for (const { closed } of floods) expect((await closed).code).toBe(4429);
    await notice(other.user_id, 'heard');
    expect((await calm.frame('notification')).data.title).toBe('heard');
    calm.socket.close();
  });

  test('says what a path and another protocol are as it always did, and asks for an upgrade where there is nothing else', async () => {
    const { http } = rig.platform;
    const upgrade = { connection: 'Upgrade', upgrade: 'h2c' };
    const status = (path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        get(`${http.url}${path}`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        }).on('error', reject);
      });
    expect(await status('/healthz', upgrade)).toBe(200);
    expect(await status('/healthz', { connection: 'Upgrade', upgrade: 'websocket' })).toBe(200);
    expect(await status('/ws', {})).toBe(426);
    expect(await status('/wsx', {})).toBe(404);
  });
});

test('of one user are twenty at most: the next one is told to come back, 1013', async () => {
  const rig = await openRig({ PERFECT21_RATE_LIMITS: '1' });
  const { access_token } = await userWithSession(rig.world);
  const open = async () => hear(socketUrl(rig.platform.http.url, { ticket: await ticketOf(rig.world, access_token) }));
  const tabs = await Promise.all(Array.from({ length: 20 }, open));
  for (const { frame } of tabs) await frame('hello');
  expect((await (await open()).closed).code).toBe(1013);
  await rig.close();
});

test('a stop sends everybody away with 1012, to come back later', async () => {
  const rig = await openRig();
  const { access_token } = await userWithSession(rig.world);
  const heard = hear(socketUrl(rig.platform.http.url, { ticket: await ticketOf(rig.world, access_token) }));
  await heard.frame('hello');
  await rig.close();
  const { code, reason } = await heard.closed;
  expect(code).toBe(1012);
  expect(reason).toMatch(/^Come back in \d+ ms$/);
});
