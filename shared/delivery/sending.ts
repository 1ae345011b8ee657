/** What providers of all channels have in common: how long a send may take, how it fails, what is told of it. */
import type { Opened } from '../kit/adapter.ts';
import { AppError, toAppError } from '../kit/errors.ts';
import type { Channel, ChannelTry, Perishable } from '../ports/channel.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

/** Says that a provider refused not this message but who sends it: the account, the address that it comes from. */
export class SenderRefused extends Error {}

/** The failure of a send that the operator has to mend; the message waits for that. */
export const senderFailure = (cause: unknown, what = 'message'): AppError =>
  new AppError('unavailable', {
    detail: `The ${what} could not be sent now`,
    cause: new SenderRefused(cause instanceof Error ? `${cause.name}: ${cause.message}` : '', { cause }),
  });

/** In these words Amazon says that of messages which it refuses as such: unverified, in the sandbox, paused, no such sender, spent. */
const OF_SENDER =
  /not[ _]verified|sandbox|(sending|account)\b.{0,20}\b(paused|suspended|review)|sender ?id|origination|(spend|spending|price)[ _]?limit|no quota left/i;
export const isOfSender = (cause: unknown): boolean => OF_SENDER.test((cause as Error).message);

/** The failure of a send: `permanent` when it is about this message, which no retry mends. */
export const sendFailure = (permanent: boolean, cause: unknown, what = 'message'): AppError =>
  new AppError(permanent ? 'invalid_request' : 'unavailable', {
    detail: permanent ? `The ${what} was refused for good` : `The ${what} could not be sent now`,
    cause,
  });

/** The outcome of the work, or an error when it takes longer; its signal then tells it to end without a trace. */
export const within = async <T>(work: (signal: AbortSignal) => Promise<T>, ms: number): Promise<T> => {
  if (ms <= 0) throw new Error('its time is over');
  const giveUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${ms} ms`));
      giveUp.abort();
    }, ms);
  });
  try {
    return await Promise.race([work(giveUp.signal), late]);
  } finally {
    clearTimeout(timer);
  }
};

const MAX_ANSWER = 200;

/**
 * What a provider said, in one short line and fit for a ledger: no address, number, link or token, nor any of the
 * `private` values, since providers like to repeat what they were given.
 *
 * @example scrub('550 <ada@example.org>: no such user', []) // '550 <address>: no such user'
 */
export const scrub = (said: string, secrets: readonly string[]): string =>
  secrets
    .filter((value) => value.length > 3)
    .reduce((text, value) => text.replaceAll(value, '<private>'), said)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/<?[a-z][a-z0-9+.-]*:\/\/[^\s>]+>?/gi, '<link>')
    .replace(/<?[^\s<>@]+@[^\s<>@]+>?/g, '<address>')
    .replace(/\barn:[^\s,;"']+/g, '<arn>')
    .replace(/\+\d[\d ()-]{5,}\d/g, '<number>')
    .replace(/[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{8,}|[A-Za-z0-9_+/=-]{41,}/g, '<token>')
    .trim()
    .slice(0, MAX_ANSWER);

/** Words of a text that could be a code or a token: those with a digit. */
export const codesIn = (text: string): string[] => text.match(/[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*/g) ?? [];

const OUTCOMES = { invalid_request: 'refused', not_found: 'gone' } as const;

const saidBy = (thrown: unknown): string => {
  const cause = thrown instanceof AppError ? thrown.cause : thrown;
  return cause instanceof Error ? `${cause.name === 'Error' ? '' : `${cause.name}: `}${cause.message}` : '';
};

/**
 * Makes a channel of one provider; `send` gives what the provider answered. `secretsOf` names what must be told to
 * nobody: neither `heard` nor the error has it.
 */
export const provider = <M>(
  name: string,
  send: (message: M) => Promise<string | undefined>,
  secretsOf: (message: M) => readonly string[],
): Channel<M> => ({
  send: async (message, heard) => {
    const tell = (outcome: ChannelTry['outcome'], said = ''): string => {
      const answer = scrub(said, secretsOf(message));
      heard?.({ provider: name, outcome, ...(answer && { answer }) });
      return answer;
    };
    let answer: string | undefined;
    try {
      answer = await send(message);
    } catch (thrown) {
      const { code, detail } = toAppError(thrown);
      const said = tell(OUTCOMES[code as keyof typeof OUTCOMES] ?? 'unavailable', saidBy(thrown));
      const Cause = thrown instanceof AppError && thrown.cause instanceof SenderRefused ? SenderRefused : Error;
      // the error goes to the log
      throw new AppError(code, { detail, cause: new Cause(`${name}: ${said || code}`) });
    }
    tell('sent', answer);
  },
});

/** How much a failure says: it may pass, it is about the message, or there was nobody to ask. */
const weight = (thrown: unknown): number => {
  const code = thrown instanceof AppError ? thrown.code : 'internal';
  if (code === 'unimplemented') return 0;
  return code in OUTCOMES ? 1 : 2;
};

/** Milliseconds for all providers of one message together: shorter than the lease of a message. */
const ALL_MS = 50_000;

/** Milliseconds for one send: `ms`, and no longer than the message lives. Not above 0 when its life has ended. */
export const msFor = ({ expires_at = Number.POSITIVE_INFINITY }: Perishable, ms: number, clock: Clock): number =>
  Math.min(ms, expires_at - clock.now());

/**
 * A channel that asks its providers one after the other until one takes the message. With none it sends nothing.
 *
 * The life of the message may end while a provider is asked: the next one then is not.
 *
 * Fails for good only when all of them refuse for good: one that is away may take the message later.
 */
export const inOrder = <M extends Perishable>(channels: readonly Channel<M>[], clock: Clock): Channel<M> => ({
  send: async (message, heard) => {
    let failure: unknown = new AppError('unimplemented', { detail: 'No provider is set for this channel' });
    for (const channel of channels) {
      if (msFor(message, ALL_MS, clock) <= 0)
        throw sendFailure(false, new Error('its time is over', { cause: failure }));
      try {
        return await channel.send(message, heard);
      } catch (thrown) {
        if (weight(thrown) > weight(failure)) failure = thrown;
      }
    }
    throw failure;
  },
});

/** Milliseconds for each of `count` providers, at most `ms`. */
export const shareOf = (ms: number, count: number): number => Math.min(ms, Math.floor(ALL_MS / Math.max(1, count)));

/** Tells the operator once that a provider refuses him, and again when it did after it had taken something. */
export const telling = <M>(channel: Channel<M>, log: Log): Channel<M> => {
  let told = false;
  return {
    send: async (message, heard) => {
      try {
        await channel.send(message, heard);
        told = false;
      } catch (thrown) {
        const cause = thrown instanceof AppError ? thrown.cause : undefined;
        if (cause instanceof SenderRefused && !told) {
          told = true;
          log.error('delivery.sender_refused', {
            detail: 'messages wait until the account and its sender are accepted',
            cause,
          });
        }
        throw thrown;
      }
    },
  };
};

/** Opened providers as one port. */
export const openInOrder = <M extends Perishable>(
  opened: readonly Opened<Channel<M>>[],
  { clock, log }: { clock: Clock; log: Log },
): Opened<Channel<M>> => ({
  port: inOrder(
    opened.map(({ port }) => telling(port, log)),
    clock,
  ),
  close: async () => {
    for (const { close } of opened) await close?.();
  },
});
