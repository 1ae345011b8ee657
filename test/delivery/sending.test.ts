import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOrder, provider, scrub } from '../../shared/delivery/sending.ts';
import { AppError, type ErrorCode } from '../../shared/kit/errors.ts';
import type { ChannelTry, Perishable } from '../../shared/ports/channel.ts';
import { TestClock } from '../messaging/rig.ts';

interface Message extends Perishable {
  to: string;
}
const clock = new TestClock();

/** A provider that does as it is told, after `ms`: sends, or fails with the code. */
const acting = (name: string, what: 'sent' | ErrorCode, sent: string[] = [], ms = 0) =>
  provider<Message>(
    name,
    async ({ to }) => {
      clock.pass(ms);
      if (what !== 'sent') throw new AppError(what, { cause: new Error(`${what} for ${to}`) });
      sent.push(`${name}:${to}`);
      return `250 queued for ${to}`;
    },
    ({ to }) => [to],
  );

const sendBy = async (channels: readonly ReturnType<typeof acting>[], life?: number) => {
  const heard: ChannelTry[] = [];
  const expires_at = life === undefined ? undefined : clock.now() + life;
  const failure = await inOrder(channels, clock)
    .send({ to: 'ada-lovelace', expires_at }, (each) => heard.push(each))
    .then(
      () => 'sent',
      (error) => error.code,
    );
  return { outcome: failure, heard: heard.map(({ provider, outcome }) => `${provider} ${outcome}`) };
};

const outcomeOf = (...channels: ReturnType<typeof acting>[]) => sendBy(channels);

describe('providers in order', () => {
  it('ask the next one when one is away, and none after the one that took the message', async () => {
    const sent: string[] = [];
    const [one, two, three] = [
      acting('one', 'unavailable'),
      acting('two', 'sent', sent),
      acting('three', 'sent', sent),
    ];
    expect(await outcomeOf(one, two, three)).toEqual({ outcome: 'sent', heard: ['one unavailable', 'two sent'] });
    expect(sent).toEqual(['two:ada-lovelace']);
  });

  it('ask the next one when one refuses, for another may know better', async () => {
    expect((await outcomeOf(acting('one', 'invalid_request'), acting('two', 'sent'))).outcome).toBe('sent');
  });

  it.each<[ErrorCode, ErrorCode, ErrorCode]>([
    ['invalid_request', 'unavailable', 'unavailable'],
    ['unavailable', 'invalid_request', 'unavailable'],
    ['invalid_request', 'invalid_request', 'invalid_request'],
    ['internal', 'invalid_request', 'internal'],
    ['unimplemented', 'invalid_request', 'invalid_request'],
    ['not_found', 'unimplemented', 'not_found'],
  ])('after %s and %s the message is %s: it is given up only when nobody may take it later', async (a, b, expected) => {
    expect((await outcomeOf(acting('one', a), acting('two', b))).outcome).toBe(expected);
  });

  it('are not asked once the life of the message has ended, though the one before hung until then', async () => {
    const sent: string[] = [];
    const [hanging, second] = [acting('one', 'unavailable', sent, 10_000), acting('two', 'sent', sent)];
    expect(await sendBy([hanging, second], 10_000)).toEqual({ outcome: 'unavailable', heard: ['one unavailable'] });
    expect(sent).toEqual([]);
    expect((await sendBy([hanging, second], 10_001)).outcome).toBe('sent');
  });

  it('send nothing where none is set', async () => {
    expect(await outcomeOf()).toEqual({ outcome: 'unimplemented', heard: [] });
  });
});

describe('what a provider said', () => {
  it.each([
    ['550 5.1.1 <ada@example.org>: no such user', '550 5.1.1 <address>: no such user'],
    ['Invalid: +49 170 1234567 opted out', 'Invalid: <number> opted out'],
    ['see https://mail.example.org/why?token=abc for more', 'see <link> for more'],
    ['arn:aws:sns:eu-central-1:1:endpoint/GCM/a/b is disabled', '<arn> is disabled'],
    ['line one\r\nline two\u2028three', 'line one line two three'],
    ['250 2.0.0 Ok: queued as 4F3A21B', '250 2.0.0 Ok: queued as 4F3A21B'],
    ['0102018fa5c7f1d2-6a3b2c1d-1111-2222-3333-444455556666-000000', '<token>'],
    ['94f20ce6-13c5-43a0-9a9e-000000000001', '94f20ce6-13c5-43a0-9a9e-000000000001'],
  ])('%j is kept as %j', (said, kept) => expect(scrub(said, [])).toBe(kept));

  it('never has a secret of the message in it, nor more than a line', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.string({ minLength: 4, maxLength: 40 }), (noise, secret) => {
        const kept = scrub(`${noise}${secret}${noise}`, [secret]);
        // the stand-in itself may contain what was to be hidden
        fc.pre(!'<private><address><link><number><arn><token>'.includes(secret.trim()));
        expect(kept.length).toBeLessThanOrEqual(200);
        expect(kept).not.toMatch(/[\r\n]/);
        fc.pre(!noise.includes(secret) && secret.trim() === secret && !/\s/.test(secret));
        fc.pre(!`${noise}<private>${noise}`.replace(/\s+/g, ' ').includes(secret));
        expect(kept).not.toContain(secret);
      }),
    );
  });
});
