import { readFile, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { StartError } from '../../shared/config/start-error.ts';
import { openMailer } from '../../shared/delivery/email/smtp-mailer.ts';
import { type Mailbox, startMailbox } from '../../shared/delivery/mailbox/index.ts';
import { openMessages } from '../../shared/delivery/mailbox/messages.ts';
import { postToMailbox } from '../../shared/delivery/mailbox/post.ts';
import { TestClock, temporaryFolder } from '../messaging/rig.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const folder = async (): Promise<string> => {
  const { path, remove } = await temporaryFolder();
  cleanups.push(remove);
  return path;
};
const start = async (dataDir: string): Promise<Mailbox> => {
  const mailbox = await startMailbox({ httpPort: 0, smtpPort: 0, host: '127.0.0.1', dataDir });
  cleanups.push(mailbox.close);
  return mailbox;
};
const mailerTo = ({ smtpPort }: Mailbox) => {
  const mailer = openMailer({
    url: `smtp://127.0.0.1:${smtpPort}`,
    from: 'no-reply@example.org',
    clock: new TestClock(),
  });
  cleanups.push(mailer.close);
  return mailer.port;
};
const mail = (more: object = {}) => ({
  to: 'ada@example.org',
  subject: 'Hello',
  text: 'plain text',
  html: '<p>html</p>',
  message_id: 'm-1',
  ...more,
});
const api = ({ httpPort }: Mailbox, path = '/api/messages', init?: RequestInit) =>
  fetch(`http://127.0.0.1:${httpPort}${path}`, init);

describe('the mailbox', () => {
  it('shows what was sent over SMTP, newest first, and forgets it when told', async () => {
    const mailbox = await start(await folder());
    const mailer = mailerTo(mailbox);
    await mailer.send(mail({ subject: 'first' }));
    await mailer.send(
      mail({ subject: '第二封', to: 'Bob.O+tag@example.org', text: '链接 https://x.test/?token=a_b-c' }),
    );
    const answer = await api(mailbox);
    const messages = (await answer.json()) as any[];
    expect(messages).toEqual([
      {
        id: expect.any(String),
        channel: 'email',
        to: 'Bob.O+tag@example.org',
        subject: '第二封',
        text: expect.stringContaining('https://x.test/?token=a_b-c'),
        html: expect.stringContaining('<p>html</p>'),
        received_at: expect.any(Number),
      },
      expect.objectContaining({ subject: 'first', to: 'ada@example.org' }),
    ]);
    const receivers = async (to: string) =>
      ((await (await api(mailbox, `/api/messages?to=${encodeURIComponent(to)}`)).json()) as any[]).map(({ to }) => to);
    expect(await receivers('Bob.O+tag@')).toEqual(['Bob.O+tag@example.org']);
    expect(await receivers('nobody@')).toEqual([]);
    expect(Number.isInteger(messages[0].received_at)).toBe(true);
    expect(Math.abs(messages[0].received_at - Date.now() / 1000)).toBeLessThan(60);
    expect((await api(mailbox, undefined, { method: 'DELETE' })).status).toBe(204);
    expect(await (await api(mailbox)).json()).toEqual([]);
  });

  it('holds what other channels sent too', async () => {
    const mailbox = await start(await folder());
    await mailbox.add({ channel: 'sms', to: '+4917012345678', subject: '', text: 'Your code', html: '' });
    expect(await (await api(mailbox)).json()).toMatchObject([{ channel: 'sms', to: '+4917012345678' }]);
  });

  it('takes text and push messages as JSON, but nothing that a page elsewhere can send unasked', async () => {
    const mailbox = await start(await folder());
    const message = { channel: 'sms', to: '+4917012345678', subject: '', text: 'Your code', html: '' };
    const post = (body: unknown, type = 'application/json') =>
      api(mailbox, undefined, {
        method: 'POST',
        headers: { 'content-type': type },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    for (const [body, type] of [
      [message, 'text/plain'],
      [message, 'application/x-www-form-urlencoded'],
      ['{"channel":', 'application/json'],
      [{ ...message, channel: '<b>' }, 'application/json'],
      [{ ...message, text: 1 }, 'application/json'],
      ['null', 'application/json'],
    ] as const) {
      expect((await post(body, type)).status).toBe(400);
    }
    expect((await post(message)).status).toBe(201);
    const url = `http://127.0.0.1:${mailbox.httpPort}`;
    await postToMailbox(url, { ...message, channel: 'push', subject: 'Alert' });
    expect(await (await api(mailbox)).json()).toMatchObject([{ channel: 'push', subject: 'Alert' }, message]);
    await mailbox.close();
    await expect(postToMailbox(url, message)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('keeps everything over a restart, in a file for its owner only, even after a line that was cut off', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    await mailerTo(first).send(mail({ subject: 'kept' }));
    await first.close();
    const file = join(dataDir, 'mailbox.ndjson');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeFile(file, `${await readFile(file, 'utf8')}{"id":"cut of`);
    const second = await start(dataDir);
    await mailerTo(second).send(mail({ subject: 'next' }));
    await second.close();
    const third = await start(dataDir);
    const messages = (await (await api(third)).json()) as any[];
    expect(messages.map(({ subject }) => subject)).toEqual(['next', 'kept']);
  });

  it('keeps the last 1,000 messages and bounded bodies', async () => {
    const dataDir = await folder();
    const messages = openMessages(join(dataDir, 'mailbox.ndjson'));
    for (let at = 0; at < 2_100; at++) {
      await messages.add({ channel: 'email', to: 'a@b.c', subject: String(at), text: 'x'.repeat(10), html: '' });
    }
    await messages.add({ channel: 'email', to: 'a@b.c', subject: 'big', text: 'x'.repeat(1_000_000), html: '' });
    expect(messages.list()).toHaveLength(1_000);
    expect(messages.list()[0]!.text).toHaveLength(256 * 1024);
    expect(openMessages(join(dataDir, 'mailbox.ndjson')).list()).toEqual(messages.list());
    expect((await readFile(join(dataDir, 'mailbox.ndjson'), 'utf8')).split('\n').length).toBeLessThan(2_100);
  });

  it('never runs or loads anything of a mail: markup stands in a frame without rights', async () => {
    const mailbox = await start(await folder());
    const evil = '<script>parent.x=1</script><img src="https://evil.test/pixel">';
    const { id } = await mailbox.add({ channel: 'email', to: 'a@b.c', subject: evil, text: evil, html: evil });
    const page = await api(mailbox, '/');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
    expect(await page.text()).not.toContain('evil');
    const script = await (await api(mailbox, '/mailbox.js')).text();
    expect(script).toContain('sandbox:');
    expect(script).not.toContain('innerHTML');
    const policy = (await api(mailbox, `/messages/${id}`)).headers.get('content-security-policy');
    expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/);
    expect(policy).not.toContain('allow-scripts');
    expect((await api(mailbox, '/messages/none')).status).toBe(404);
    expect((await api(mailbox, '/', { method: 'POST' })).status).toBe(405);
  });

  it('does not answer to other names than localhost, so that no page elsewhere reads it', async () => {
    const { httpPort } = await start(await folder());
    const status = await new Promise((resolve, reject) => {
      const headers = { host: `evil.test:${httpPort}` };
      request({ port: httpPort, host: '127.0.0.1', path: '/api/messages', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
  });

  it('names the variable to change when a port is taken', async () => {
    const { httpPort, smtpPort } = await start(await folder());
    const dataDir = await folder();
    const again = (ports: object) => startMailbox({ httpPort: 0, smtpPort: 0, host: '127.0.0.1', dataDir, ...ports });
    await expect(again({ httpPort })).rejects.toThrow(/PERFECT21_MAILBOX_PORT/);
    await expect(again({ smtpPort })).rejects.toThrow(/PERFECT21_SMTP_PORT/);
    await expect(again({ smtpPort })).rejects.toBeInstanceOf(StartError);
  });

  it('survives a client that hangs up in the middle of a mail', async () => {
    const mailbox = await start(await folder());
    await new Promise<void>((resolve) => {
      const socket = connect(mailbox.smtpPort, '127.0.0.1', () => {
        socket.write('EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nSubject: half', () => {
          socket.resetAndDestroy();
          resolve();
        });
      });
    });
    await mailerTo(mailbox).send(mail());
    expect(await (await api(mailbox)).json()).toHaveLength(1);
  });
});
