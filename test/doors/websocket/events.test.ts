/** Server-Sent Events carry what a WebSocket does, and a browser that comes back gets what it missed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logout } from '../../../functions/auth/logout.ts';
import { sendNotification } from '../../../functions/notifications/send-notification.ts';
import { expectOk, userWithSession } from '../../e2e/world.ts';
import { openRig, type Rig } from '../../table/rig.ts';
import { until } from '../http/harness.ts';

describe('Server-Sent Events', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  }, 60_000);
  afterAll(() => rig?.close());

  const listen = async (token: string, headers: Record<string, string> = {}) => {
    const abort = new AbortController();
    const response = await fetch(`${rig.platform.http.url}/api/v1/realtime/stream`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      signal: abort.signal,
    });
    const heard = { response, text: '', ended: false, stop: () => abort.abort() };
    const read = async (): Promise<void> => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) heard.text += chunk;
    };
    void read()
      .catch(() => {})
      .finally(() => {
        heard.ended = true;
      });
    await until(() => heard.text.includes('"type":"hello"'));
    return heard;
  };
  const notice = async (user_id: string, title: string): Promise<string> => {
    const message = { user_id, channels: ['realtime'], category: 'account', template_name: 'notice' };
    const input = { ...message, template_data: { title, text: 'text' } };
    return (await expectOk(rig.world.call(sendNotification, input, { token: rig.world.service_token }))).id;
  };

  test('tell of a message by its id, and end with the session by an event that says why', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const heard = await listen(access_token);
    expect(heard.response.headers.get('content-type')).toBe('text/event-stream');
    expect(heard.response.headers.get('cache-control')).toBe('no-store');
    const id = await notice(user_id, 'Planned work');
    await until(() => heard.text.includes('Planned work'));
    expect(heard.text).toContain(`id: ${id}\ndata: {"id":"${id}","type":"notification"`);
    await expectOk(rig.world.call(logout, {}, { token: access_token }));
    await until(() => heard.ended);
    expect(heard.text).toMatch(/"type":"session\.ended".*\n\nevent: problem\ndata: \{.*"code":"unauthenticated"/);
  });

  test('resume after the last id that a browser names', async () => {
    const { user_id, access_token } = await userWithSession(rig.world);
    const first = await listen(access_token);
    const seen = await notice(user_id, 'first');
    await until(() => first.text.includes('first'));
    first.stop();
    const missed = await notice(user_id, 'second');
    await rig.platform.drain();
    const second = await listen(access_token, { 'last-event-id': seen });
    await until(() => second.text.includes(`id: ${missed}\n`));
    expect(second.text).not.toContain(`id: ${seen}\n`);
    second.stop();
  });

  test('end when the process stops, so that it need not wait for who listens', async () => {
    const other = await openRig();
    const { access_token } = await userWithSession(other.world);
    const abort = new AbortController();
    const { body } = await fetch(`${other.platform.http.url}/api/v1/realtime/stream`, {
      headers: { authorization: `Bearer ${access_token}` },
      signal: abort.signal,
    });
    let text = '';
    const ended = (async () => {
      for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })();
    await until(() => text.includes('"type":"hello"'));
    const began = performance.now();
    await other.close();
    await ended;
    expect(text).toMatch(/event: problem\ndata: \{.*"code":"unavailable"/);
    // the door lets requests finish for ten seconds
    expect(performance.now() - began).toBeLessThan(8_000);
  }, 20_000);

  test('are for users only', async () => {
    const { status } = await fetch(`${rig.platform.http.url}/api/v1/realtime/stream`);
    expect(status).toBe(401);
  });
});
