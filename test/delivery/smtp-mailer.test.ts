import fc from 'fast-check';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { isPlainAddress } from '../../shared/delivery/email/address.ts';
import { mailer } from '../../shared/delivery/email/mailer.ts';
import { openMailer } from '../../shared/delivery/email/smtp-mailer.ts';
import { type Stall, startSmtp } from '../engines/smtp.ts';
import { TestClock } from '../messaging/rig.ts';

const clock = new TestClock();
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Received {
  raw: string;
  from: string;
  to: string[];
}

const serve = async (options: SMTPServerOptions = {}) => {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    closeTimeout: 50,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const to = rcptTo.map(({ address }) => address);
        received.push({ raw: Buffer.concat(chunks).toString(), from: mailFrom ? mailFrom.address : '', to });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as { port: number };
  cleanups.push(() => new Promise((resolve) => server.close(() => resolve())));
  const mailer = openMailer({ url: `smtp://127.0.0.1:${port}`, from: '"perfect21" <no-reply@example.org>', clock });
  cleanups.push(mailer.close);
  return { received, mailer: mailer.port, url: `smtp://127.0.0.1:${port}` };
};

const mail = (more: object = {}) => ({
  to: 'ada@example.org',
  subject: 'Hello',
  text: 'text',
  html: '<p>html</p>',
  message_id: '0190-abc',
  ...more,
});
const refuse = (code: number) => (_: unknown, __: unknown, done: (error?: Error) => void) =>
  done(Object.assign(new Error('no'), { responseCode: code }));

describe('the SMTP mailer', () => {
  it('sends with a Message-ID that is always the same for an event', async () => {
    const { received, mailer } = await serve();
    await mailer.send(mail());
    await mailer.send(mail());
    for (const { raw, from } of received) {
      expect(raw).toMatch(/^Message-ID: <0190-abc@example\.org>\r$/m);
      expect(raw).toMatch(/^From: perfect21 <no-reply@example\.org>\r$/m);
      expect(from).toBe('no-reply@example.org');
    }
    expect(received).toHaveLength(2);
  });

  it('sends to the address exactly as it is stored', async () => {
    const { received, mailer } = await serve();
    for (const to of ["o'Brien.x+tag=1@sub.example.org", 'UPPER@example.org']) await mailer.send(mail({ to }));
    expect(received.map(({ to }) => to)).toEqual([["o'Brien.x+tag=1@sub.example.org"], ['UPPER@example.org']]);
  });

  it.each([
    'a@b.c\r\nBcc: evil@x.test',
    'a@b.c, evil@x.test',
    'a@b.c;evil@x.test',
    '"evil@x.test x"@b.c',
    'Ada <evil@x.test>',
    'evil@x.test(comment)@b.c',
    'a b@c.d',
    'a@b.c\0',
    '@b.c',
    'a@',
    'nobody',
    '',
    'a@-b.c',
    'group:a@b.c;',
    'a@[127.0.0.1]',
  ])('refuses the recipient %j, which is not one plain address', async (to) => {
    const { received, mailer } = await serve();
    await expect(mailer.send(mail({ to }))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(received).toEqual([]);
  });

  it('lets no value become a header or another recipient', async () => {
    const { received, mailer } = await serve();
    const breaks = fc.array(
      fc.constantFrom('\r\n', '\n', '\r', '\u2028', '\0', 'Bcc: evil@x.test', 'X-Evil: 1', ' ', 'hi'),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(breaks, breaks, async (subject, id) => {
        received.length = 0;
        await mailer.send(mail({ subject: subject.join(''), message_id: id.join('') }));
        const [{ raw, to }] = received as [Received];
        const head = raw.slice(0, raw.indexOf('\r\n\r\n'));
        expect(head).not.toMatch(/^(Bcc|X-Evil)/im);
        expect(
          head
            .match(/^[A-Za-z-]+(?=:)/gm)!
            .filter((name) => name !== 'Subject')
            .sort(),
        ).toEqual(['Auto-Submitted', 'Content-Type', 'Date', 'From', 'MIME-Version', 'Message-ID', 'To'].sort());
        expect(to).toEqual(['ada@example.org']);
      }),
      { numRuns: 50 },
    );
  });

  it('accepts only recipients with one @ in the domain sense and no space or control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const address = `${text}@example.org`;
        return !isPlainAddress(address) || !/[\s\p{Cc}"(),:;<>@[\]\\]/u.test(text);
      }),
    );
  });

  it.each([
    [550, 'invalid_request'],
    [553, 'invalid_request'],
    [450, 'unavailable'],
    [452, 'unavailable'],
  ])('takes a %i for the recipient as %s', async (code, expected) => {
    const { mailer } = await serve({ onRcptTo: refuse(code) as any });
    await expect(mailer.send(mail())).rejects.toMatchObject({ code: expected });
  });

  it.each([
    [550, 'unavailable'],
    [552, 'invalid_request'],
  ])('takes a %i for the sender as %s: only what is too large is about this mail', async (code, expected) => {
    const { mailer } = await serve({ onMailFrom: refuse(code) as any });
    await expect(mailer.send(mail())).rejects.toMatchObject({ code: expected });
  });

  it('tells what the server answered, without address and links', async () => {
    const { mailer } = await serve();
    const heard: unknown[] = [];
    await mailer.send(mail(), (each) => heard.push(each));
    expect(heard).toEqual([{ provider: '127.0.0.1', outcome: 'sent', answer: expect.stringMatching(/^250 /) }]);
    const refusing = await serve({ onRcptTo: refuse(550) as any });
    await refusing.mailer.send(mail(), (each) => heard.push(each)).catch(() => {});
    expect(heard[1]).toMatchObject({ outcome: 'refused', answer: expect.stringContaining('550') });
    expect(JSON.stringify(heard)).not.toContain('ada@example.org');
  });

  it('of several servers asks the next one when one is away, and sends once', async () => {
    const { received, url } = await serve();
    const second = await serve();
    const { port, close = async () => {} } = await mailer.open(
      { clock },
      loadConfig({ MAIL_URL: `smtp://127.0.0.1:1 ${url} ${second.url}`, MAIL_FROM: 'no-reply@example.org' }),
    );
    cleanups.push(close);
    const heard: string[] = [];
    await port.send(mail(), ({ outcome }) => heard.push(outcome));
    expect([received.length, second.received.length]).toEqual([1, 0]);
    expect(heard).toEqual(['unavailable', 'sent']);
  });

  it('takes a refused connection or greeting as unavailable: the mail is not to blame', async () => {
    const { mailer } = await serve({
      onConnect: ((_: unknown, done: (error: Error) => void) =>
        done(Object.assign(new Error('no'), { responseCode: 554 }))) as any,
    });
    await expect(mailer.send(mail())).rejects.toMatchObject({ code: 'unavailable' });
    const nobody = openMailer({ url: 'smtp://127.0.0.1:1', from: 'a@example.org', clock });
    await expect(nobody.port.send(mail())).rejects.toMatchObject({ code: 'unavailable' });
    await nobody.close();
  });
});

describe('a mail that is given up', () => {
  const CONNECTIONS = 5;
  const ids = (count: number, name: string) => Array.from({ length: count }, (_, at) => `${name}-${at}`);

  const stalled = async (at: Stall, timeout_ms: number) => {
    const server = await startSmtp();
    cleanups.push(server.close);
    const { port, close } = openMailer({ url: server.url, from: 'no-reply@example.org', clock, timeout_ms });
    cleanups.push(close);
    server.stall(at);
    const send = (message_id: string, more: object = {}) => port.send(mail({ message_id, ...more }));
    return { server, send };
  };
  const codesOf = (outcomes: readonly PromiseSettledResult<void>[]) =>
    new Set(outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : 'sent')));

  it.each(['greeting', 'data'] as const)(
    'by a server that hangs at its %s goes out no more, and once when it is sent again',
    async (at) => {
      const { server, send } = await stalled(at, 200);
      const all = ids(CONNECTIONS + 4, at);
      const outcomes = await Promise.allSettled(all.map((id) => send(id)));
      expect(codesOf(outcomes)).toEqual(new Set(['unavailable']));
      // no connection is left over which it could go out
      await server.until(() => server.connections.open === 0);
      server.release();
      await Promise.all(all.map((id) => send(id)));
      expect([...server.received].sort()).toEqual(all);
    },
  );

  it('while others have all connections goes out no more; only what the server has whole stays there', async () => {
    const { server, send } = await stalled('end', 400);
    const [having, waiting] = [ids(CONNECTIONS, 'having'), ids(4, 'waiting')];
    // given up first, before a connection is free
    const soon = { expires_at: clock.now() + 100 };
    const outcomes = await Promise.allSettled([
      ...having.map((id) => send(id)),
      ...waiting.map((id) => send(id, soon)),
    ]);
    expect(codesOf(outcomes)).toEqual(new Set(['unavailable']));
    await server.until(() => server.connections.open === 0);
    server.release();
    await Promise.all(waiting.map((id) => send(id)));
    expect([...server.received].sort()).toEqual([...having, ...waiting]);
  });

  it('leaves the connections of the others alone', async () => {
    const { server, send } = await stalled('end', 20_000);
    const others = ids(CONNECTIONS, 'other');
    const sending = Promise.all(others.map((id) => send(id)));
    await server.until(() => server.held === CONNECTIONS);
    const late = send('late', { expires_at: clock.now() + 100 });
    await expect(late).rejects.toMatchObject({ code: 'unavailable' });
    server.release();
    await sending;
    await send('next');
    expect(server.connections.count).toBe(CONNECTIONS);
    expect(server.received).toEqual([...others, 'next']);
  });

  it('by a server that hung up when it had all of it is not sent again by itself', async () => {
    const { server, send } = await stalled('end', 20_000);
    const sending = send('dropped').catch(({ code }) => code);
    await server.until(() => server.held === 1);
    server.drop();
    expect(await sending).toBe('unavailable');
    server.release();
    await send('next');
    expect(server.received).toEqual(['dropped', 'next']);
  });

  it('before it began, as its life had ended, opens no connection', async () => {
    const { server, send } = await stalled('end', 20_000);
    await expect(send('late', { expires_at: clock.now() })).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.connections.count).toBe(0);
  });
});

it('mails go one after the other over connections that are kept, five at most', async () => {
  const server = await startSmtp();
  cleanups.push(server.close);
  const { port, close } = openMailer({ url: server.url, from: 'no-reply@example.org', clock });
  cleanups.push(close);
  const all = Array.from({ length: 40 }, (_, at) => `many-${String(at).padStart(2, '0')}`);
  await Promise.all(all.map((message_id) => port.send(mail({ message_id }))));
  expect([...server.received].sort()).toEqual(all);
  expect(server.connections.count).toBeLessThanOrEqual(5);
  const before = server.connections.count;
  await port.send(mail());
  expect(server.connections.count).toBe(before);
});
