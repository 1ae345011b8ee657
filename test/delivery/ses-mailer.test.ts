import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { openSesMailer, sesMailer } from '../../shared/delivery/email/ses-mailer.ts';
import { smtpMailer } from '../../shared/delivery/email/smtp-mailer.ts';
import { startSes, type Trouble } from '../engines/ses.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';

let ses: Awaited<ReturnType<typeof startSes>>;
beforeEach(async () => {
  ses = await startSes('example.org');
  stubEnvironment(awsEnvironment({ SESV2: ses.endpoint }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ses.close();
});

const open = async (from = 'perfect21 <no-reply@example.org>', timeout_ms?: number) => {
  const { port, close } = await openSesMailer({ from, timeout_ms });
  onTestFinished(close);
  return port;
};
const mail = (more: object = {}) => ({
  to: 'ada@example.net',
  subject: 'Grüße 你好',
  text: 'Text 你好',
  html: '<p>HTML 你好</p>',
  message_id: '0190-abc',
  ...more,
});

describe('the SES mailer', () => {
  test('sends subject, text and HTML in UTF-8, with a header that is always the same for an event', async () => {
    const mailer = await open();
    await mailer.send(mail());
    await mailer.send(mail());
    expect(ses.sent).toHaveLength(2);
    for (const { FromEmailAddress, Content } of ses.sent) {
      expect(FromEmailAddress).toBe('"perfect21" <no-reply@example.org>');
      const { Subject, Body, Headers } = Content.Simple;
      expect([Subject.Data, Body.Text.Data, Body.Html.Data]).toEqual(['Grüße 你好', 'Text 你好', '<p>HTML 你好</p>']);
      expect(Headers).toEqual([
        { Name: 'Auto-Submitted', Value: 'auto-generated' },
        { Name: 'X-Perfect21-Message-ID', Value: '0190-abc' },
      ]);
    }
  });

  test('sends to the address exactly as it is stored', async () => {
    const mailer = await open();
    const stored = ["o'Brien.x+tag=1@sub.example.net", 'UPPER@Example.NET'];
    for (const to of stored) await mailer.send(mail({ to }));
    expect(ses.sent.map(({ Destination }) => Destination.ToAddresses)).toEqual(stored.map((to) => [to]));
  });

  test('names a domain of other letters as DNS does, for SES knows no other', async () => {
    await (await open()).send(mail({ to: 'Ada@münchen.example' }));
    expect(ses.sent[0]!.Destination.ToAddresses).toEqual(['Ada@xn--mnchen-3ya.example']);
  });

  test.each([
    ['no-reply@example.org', 'no-reply@example.org'],
    ['"a \\ b" <no-reply@example.org>', '"a \\\\ b" <no-reply@example.org>'],
    ['Grüße <no-reply@example.org>', '=?UTF-8?B?R3LDvMOfZQ==?= <no-reply@example.org>'],
  ])('sends as %s', async (from, expected) => {
    await (await open(from)).send(mail());
    expect(ses.sent[0]!.FromEmailAddress).toBe(expected);
  });

  test('splits a long name of other letters into words that mail programs read', async () => {
    const name = '你好🙂'.repeat(12);
    await (await open(`${name} <no-reply@example.org>`)).send(mail());
    const words = ses.sent[0]!.FromEmailAddress.split(' ').slice(0, -1);
    expect(words.length).toBeGreaterThan(1);
    for (const word of words) expect(word.length).toBeLessThanOrEqual(75);
    const decoded = words.map((word) => Buffer.from(word.slice(10, -2), 'base64').toString());
    expect(decoded.join('')).toBe(name);
  });

  test.each(['a@b.c, evil@x.test', 'Ada <evil@x.test>', 'a@b.c\r\nBcc: evil@x.test', 'nobody', ''])(
    'refuses the recipient %j, which is not one plain address, without asking SES',
    async (to) => {
      await expect((await open()).send(mail({ to }))).rejects.toMatchObject({ code: 'invalid_request' });
      expect(ses.state.requests).toBe(0);
    },
  );

  test('lets no value become a header', async () => {
    const mailer = await open();
    const breaks = fc
      .array(fc.constantFrom('\r\n', '\n', '\u2028', '\0', 'Bcc: evil@x.test', ' '), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(breaks, breaks, async (subject, id) => {
        ses.sent.length = 0;
        await mailer.send(mail({ subject, message_id: `0${id}` }));
        const { Subject, Headers } = ses.sent[0]!.Content.Simple;
        expect(`${Subject.Data}${Headers!.map(({ Value }) => Value).join('')}`).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(Headers).toHaveLength(2);
      }),
      { numRuns: 30 },
    );
  });

  test.each<[number, string, string]>([
    [400, 'MessageRejected', 'invalid_request'],
    [400, 'MailFromDomainNotVerifiedException', 'unavailable'],
    [400, 'BadRequestException', 'invalid_request'],
    [429, 'TooManyRequestsException', 'unavailable'],
    [400, 'ThrottlingException', 'unavailable'],
    [400, 'LimitExceededException', 'unavailable'],
    [400, 'SendingPausedException', 'unavailable'],
    [400, 'AccountSuspendedException', 'unavailable'],
    [403, 'AccessDeniedException', 'unavailable'],
    [500, 'InternalServiceErrorException', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
  ])('takes %i %s as %s, and asks once', async (status, type, code) => {
    ses.state.trouble = { status, type };
    await expect((await open()).send(mail())).rejects.toMatchObject({ code });
    expect(ses.state.requests).toBe(1);
  });

  test('takes a sender that SES did not verify as one that it may verify yet', async () => {
    const mailer = await open('no-reply@perfect21.local');
    await expect(mailer.send(mail())).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('tells the operator once that the account is refused, and again after it was taken', async () => {
    const log = { debug() {}, info() {}, warn() {}, error: vi.fn() };
    const { port, close } = await sesMailer.open({ log }, loadConfig({ MAIL_URL: 'ses:', MAIL_FROM: 'a@example.org' }));
    const refused = async () => {
      ses.state.trouble = { status: 400, type: 'SendingPausedException' };
      await expect(port.send(mail())).rejects.toMatchObject({ code: 'unavailable' });
    };
    await refused();
    await refused();
    expect(log.error).toHaveBeenCalledTimes(1);
    expect(log.error.mock.calls[0]![0]).toBe('delivery.sender_refused');
    ses.state.trouble = undefined;
    await port.send(mail());
    await refused();
    expect(log.error).toHaveBeenCalledTimes(2);
    ses.state.trouble = { status: 400, type: 'MessageRejected' };
    await expect(port.send(mail())).rejects.toMatchObject({ code: 'invalid_request' });
    expect(log.error).toHaveBeenCalledTimes(2);
    await close?.();
  });

  test.each<Trouble>(['silence', 'half an answer', 'cut off'])('takes %s as away, in bounded time', async (trouble) => {
    ses.state.trouble = trouble;
    const started = performance.now();
    await expect((await open(undefined, 300)).send(mail())).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test('takes an endpoint that nobody listens at as away', async () => {
    await ses.close();
    await expect((await open()).send(mail())).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('MAIL_URL', () => {
  test('chooses SES or a mail server', () => {
    expect(loadConfig({ MAIL_URL: 'ses:', MAIL_FROM: 'a@example.org' }).mail).toEqual({
      from: 'a@example.org',
      providers: [{ transport: 'ses' }],
    });
    expect(loadConfig({ MAIL_URL: 'smtps://u:p@mail.example.org', MAIL_FROM: 'a@example.org' }).mail.providers).toEqual(
      [{ transport: 'smtp', url: 'smtps://u:p@mail.example.org' }],
    );
    expect(loadConfig({ PERFECT21_SMTP_PORT: '2525' }).mail.providers).toEqual([
      { transport: 'smtp', url: 'smtp://127.0.0.1:2525' },
    ]);
  });

  test('may list several, in the order in which they are asked', () => {
    for (const MAIL_URL of ['smtp://one smtps://two ses:', ' smtp://one,smtps://two,\n ses: ']) {
      expect(loadConfig({ MAIL_URL, MAIL_FROM: 'a@example.org' }).mail.providers).toEqual([
        { transport: 'smtp', url: 'smtp://one' },
        { transport: 'smtp', url: 'smtps://two' },
        { transport: 'ses' },
      ]);
    }
  });

  test.each(['ses', 'ses:eu-central-1', 'http://mail', 'smtp:', 'smtp://', 'smtp://u:hunter2@a b', 'x'])(
    'refuses %j in one line that does not repeat it',
    (url) => {
      const start = () => loadConfig({ MAIL_URL: url });
      expect(start).toThrow(StartError);
      expect(start).toThrow(/^MAIL_URL names no known transport: use smtp:\/\/…, smtps:\/\/… or ses:$/);
    },
  );

  test('opens no mailer of the other kind', async () => {
    for (const MAIL_URL of ['ses:', 'ses: smtp://one']) {
      expect(() => smtpMailer.open({}, loadConfig({ MAIL_URL, MAIL_FROM: 'a@example.org' }))).toThrow(StartError);
    }
    const both = loadConfig({ MAIL_URL: 'ses: smtp://one', MAIL_FROM: 'a@example.org' });
    await expect(sesMailer.open({}, both)).rejects.toThrow(StartError);
    await expect(sesMailer.open({}, loadConfig({}))).rejects.toThrow(StartError);
  });
});
