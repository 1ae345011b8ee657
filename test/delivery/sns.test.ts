import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { openSnsPush } from '../../shared/delivery/push/pusher.ts';
import { openSnsSms, smsSender } from '../../shared/delivery/sms/sms-sender.ts';
import type { ChannelTry } from '../../shared/ports/channel.ts';
import type { PushMessage } from '../../shared/ports/push.ts';
import { type SnsAccount, type SnsTrouble, startSns } from '../engines/sns.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';

let sns: Awaited<ReturnType<typeof startSns>>;
beforeEach(async () => {
  sns = await startSns();
  stubEnvironment(awsEnvironment({ SNS: sns.endpoint }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await sns.close();
});

const sms = (options: Parameters<typeof openSnsSms>[0] = {}) => {
  const { port, close } = openSnsSms(options);
  onTestFinished(async () => close?.());
  return port;
};
const push = (options: Parameters<typeof openSnsPush>[0] = {}) => {
  const { port, close } = openSnsPush(options);
  onTestFinished(async () => close?.());
  return port;
};
const text = { to: '+4917012345678', text: 'Your code 314159 你好', message_id: '0190-abc' };
const ARN = 'arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/6f9b0c1e-0000-4000-8000-0123456789ab';
const message: PushMessage = {
  target: { kind: 'sns', endpoint_arn: ARN },
  title: 'Alert',
  text: 'Look at "it" 你好',
  urgency: 'high',
  ttl: 600,
  message_id: '0190-abc',
};

describe('text messages through SNS', () => {
  test('reach the number with the text, as transactional messages, and the sender where one is set', async () => {
    const heard: ChannelTry[] = [];
    await sms({ sender: 'perfect21' }).send(text, (each) => heard.push(each));
    expect(sns.published).toEqual([
      {
        PhoneNumber: '+4917012345678',
        Message: 'Your code 314159 你好',
        attributes: { 'AWS.SNS.SMS.SMSType': 'Transactional', 'AWS.SNS.SMS.SenderID': 'perfect21' },
      },
    ]);
    expect(heard).toEqual([{ provider: 'sns', outcome: 'sent', answer: expect.stringMatching(/^94f20ce6-/) }]);
  });

  test('go to the region that is named', async () => {
    await sms({ region: 'eu-west-1' }).send(text);
    expect(sns.state.region).toBe('eu-west-1');
  });

  test.each(['', '017012345678', '+49 170 123', '+4917012345678,+491', '+0123456789', 'ada@example.org'])(
    'are refused for %j, which is no number, without asking SNS',
    async (to) => {
      await expect(sms().send({ ...text, to })).rejects.toMatchObject({ code: 'invalid_request' });
      expect(sns.state.requests).toBe(0);
    },
  );

  test.each<[number, string, string]>([
    [400, 'InvalidParameter', 'invalid_request'],
    [400, 'ParameterValueInvalid', 'invalid_request'],
    [400, 'UserError', 'invalid_request'],
    [400, 'OptedOut', 'invalid_request'],
    [400, 'Throttled', 'unavailable'],
    [400, 'Throttling', 'unavailable'],
    [403, 'AuthorizationError', 'unavailable'],
    [403, 'AccessDenied', 'unavailable'],
    [403, 'InvalidClientTokenId', 'unavailable'],
    [403, 'InvalidSecurity', 'unavailable'],
    [403, 'OptInRequired', 'unavailable'],
    [404, 'NotFound', 'unavailable'],
    [500, 'InternalError', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
  ])('take %i %s as %s, and ask once', async (status, code, expected) => {
    sns.state.trouble = { status, code };
    await expect(sms().send(text)).rejects.toMatchObject({ code: expected });
    expect(sns.state.requests).toBe(1);
  });

  test.each<SnsTrouble>(['silence', 'half an answer', 'cut off'])(
    'take %s as away, in bounded time',
    async (trouble) => {
      sns.state.trouble = trouble;
      const started = performance.now();
      await expect(sms({ timeout_ms: 300 }).send(text)).rejects.toMatchObject({ code: 'unavailable' });
      expect(performance.now() - started).toBeLessThan(3_000);
    },
  );
});

describe('an account that SNS refuses', () => {
  const open = async () => {
    const log = { debug() {}, info() {}, warn() {}, error: vi.fn() };
    const config = loadConfig({ SMS_URL: 'sns:', SMS_SENDER: 'perfect21' });
    const { port, close } = await smsSender.open({ clock: { now: () => 0 }, log }, config);
    onTestFinished(async () => close?.());
    return { port, log };
  };

  test.each<[string, (account: SnsAccount) => void, (account: SnsAccount) => void]>([
    ['in its sandbox', (its) => (its.sandbox = new Set()), (its) => (its.sandbox = new Set([text.to]))],
    ['whose spending limit is reached', (its) => (its.left = 0), (its) => (its.left = 10)],
    [
      'whose sender is not registered',
      (its) => (its.senders = new Set()),
      (its) => (its.senders = new Set(['perfect21'])),
    ],
  ])('%s keeps its messages, tells the operator once, and sends when that is mended', async (_, refuse, mend) => {
    refuse(sns.account);
    const { port, log } = await open();
    for (let time = 0; time < 3; time++) {
      await expect(port.send(text)).rejects.toMatchObject({ code: 'unavailable' });
    }
    expect(log.error.mock.calls.map(([code]) => code)).toEqual(['delivery.sender_refused']);
    expect(JSON.stringify(log.error.mock.calls)).not.toMatch(/4917012345678|314159/);
    mend(sns.account);
    await port.send(text);
    expect(sns.published).toHaveLength(1);
    refuse(sns.account);
    await expect(port.send(text)).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.error).toHaveBeenCalledTimes(2);
  });

  test('because its role lacks the right is told of; one that is too fast is not', async () => {
    const { port, log } = await open();
    sns.state.trouble = { status: 400, code: 'Throttled', message: 'Rate exceeded' };
    await expect(port.send(text)).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.error).not.toHaveBeenCalled();
    sns.state.trouble = { status: 403, code: 'AuthorizationError', message: 'not authorized to perform: SNS:Publish' };
    await expect(port.send(text)).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.error).toHaveBeenCalledTimes(1);
  });

  test('is not meant when one number opted out: that message is refused for good, the next one goes', async () => {
    const { port, log } = await open();
    sns.account.optedOut.add(text.to);
    const heard: ChannelTry[] = [];
    await expect(port.send(text, (each) => heard.push(each))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(heard).toMatchObject([{ outcome: 'refused' }]);
    await port.send({ ...text, to: '+4917087654321' });
    expect(log.error).not.toHaveBeenCalled();
    sns.state.trouble = { status: 400, code: 'InvalidParameter', message: 'PhoneNumber Reason: opted out' };
    await expect(port.send(text)).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('push messages through SNS', () => {
  test('reach the endpoint in the forms of Firebase and Apple', async () => {
    await push().send({ ...message, url: 'https://example.org/x' });
    const [published] = sns.published;
    expect(published).toMatchObject({ TargetArn: ARN, MessageStructure: 'json' });
    const { default: plain, GCM, APNS } = JSON.parse(published!.Message);
    expect(plain).toBe('Look at "it" 你好');
    expect(JSON.parse(GCM).fcmV1Message.message).toEqual({
      notification: { title: 'Alert', body: 'Look at "it" 你好' },
      data: { id: '0190-abc', url: 'https://example.org/x' },
    });
    expect(JSON.parse(APNS)).toMatchObject({ aps: { alert: { title: 'Alert' } }, id: '0190-abc' });
  });

  test('say that the device is gone when its endpoint is disabled', async () => {
    sns.gone.add(ARN);
    const heard: ChannelTry[] = [];
    await expect(push().send(message, (each) => heard.push(each))).rejects.toMatchObject({ code: 'not_found' });
    expect(heard).toMatchObject([{ outcome: 'gone' }]);
  });
});

describe('the application of a device', () => {
  test('that is switched off waits for the operator and costs no device', async () => {
    sns.state.trouble = { status: 400, code: 'PlatformApplicationDisabled' };
    await expect(push().send(message)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('SMS_URL and PUSH_URL', () => {
  test('show everything in the mailbox of this machine where no mail server is set', () => {
    const { sms, push } = loadConfig({ PERFECT21_MAILBOX_PORT: '8126' });
    const mailbox = [{ transport: 'mailbox', url: 'http://127.0.0.1:8126' }];
    expect([sms.providers, push.providers]).toEqual([mailbox, mailbox]);
  });

  test('offer no channel that is not set where a mail server is: no mailbox stands in production', () => {
    const { sms, push } = loadConfig({ MAIL_URL: 'smtp://mail.example.org', MAIL_FROM: 'a@example.org' });
    expect([sms.providers, push.providers]).toEqual([[], []]);
  });

  test('list providers in the order in which they are asked', () => {
    const { sms, push } = loadConfig({
      SMS_URL: 'sns: sns://eu-west-1',
      SMS_SENDER: 'perfect21',
      PUSH_URL: 'vapid:mailto:ops@example.org,sns:',
    });
    expect(sms).toEqual({
      providers: [{ transport: 'sns' }, { transport: 'sns', region: 'eu-west-1' }],
      sender: 'perfect21',
    });
    expect(push.providers).toEqual([{ transport: 'vapid', subject: 'mailto:ops@example.org' }, { transport: 'sns' }]);
    expect(loadConfig({ PUSH_URL: 'vapid:', MAIL_FROM: 'p <a@b.example>' }).push.providers).toEqual([
      { transport: 'vapid', subject: 'mailto:a@b.example' },
    ]);
  });

  test.each([
    ['SMS_URL', 'twilio:secret'],
    ['SMS_URL', 'sns://EU'],
    ['SMS_URL', 'sns://'],
    ['PUSH_URL', 'vapid:ops'],
    ['PUSH_URL', 'fcm:key'],
    ['SMS_SENDER', '12345'],
  ])('refuse %s=%s in one line', (name, value) => {
    const start = () => loadConfig({ [name]: value });
    expect(start).toThrow(StartError);
    expect(start).toThrow(new RegExp(`^${name} [^\n]*$`));
  });
});
