/**
 * Publishing with confirms on one channel: a window of unconfirmed messages, back-pressure, and an answer for each
 * message. What is not known (the channel died, a refusal) is a rejection: the caller sends it again.
 */
import type { ChannelModel, ConfirmChannel, Options } from 'amqplib';

const WINDOW = 1_000;
/** How long a confirm may take. */
export const CONFIRM_MS = 10_000;
const LOOK_MS = 500;
/** A confirm that did not come is told for so long. */
const SILENT_MS = 30_000;

/** The broker took the message, or not: nobody knows. */
export class ConfirmTimeout extends Error {
  constructor() {
    super(`no confirm within ${CONFIRM_MS} ms`);
  }
}

export interface Outgoing {
  exchange: string;
  key: string;
  content: Buffer;
  options: Options.Publish;
}

/** `returned`: the broker has it not, because no queue wanted it. */
export type Sent = 'confirmed' | 'returned';

export interface Sender {
  /** Takes a fresh connection. `broken` hears when the channel on it ended by itself. */
  attach(model: ChannelModel, broken: (cause: Error) => void): Promise<void>;
  /** Nothing on the old connection will be answered. */
  detach(cause: Error): void;
  send(message: Outgoing): Promise<Sent>;
  /** False while there is no channel or the broker stopped reading (memory or disk alarm). */
  open(): boolean;
  /** False for a while after a confirm did not come: some queue takes nothing. */
  confirming(): boolean;
}

/** @param onChange hears when the broker stops or begins again to take messages */
export const createSender = (onChange: (blocked: boolean, reason?: string) => void): Sender => {
  let channel: ConfirmChannel | undefined;
  let blocked = false;
  let full = false;
  /** Rejections of what is not confirmed, and when each was sent, oldest first. */
  const pending = new Map<(cause: Error) => void, number>();
  let look: NodeJS.Timeout | undefined;
  let silent = Number.NEGATIVE_INFINITY;
  let queue: (() => void)[] = [];
  /** Messages that came back, by what tells them apart: a return comes before the confirm of the same message. */
  const returned = new Map<string, number>();
  const nameOf = (id: unknown, exchange: string, key: string): string => `${id} ${exchange} ${key}`;

  const free = (): boolean => channel !== undefined && !blocked && !full && pending.size < WINDOW;
  const goOn = (): void => {
    while (queue.length > 0 && (free() || channel === undefined)) queue.shift()!();
  };

  /** What one queue does not confirm must not keep the place of what others would. */
  const giveUpLate = (): void => {
    // an alarm is no silence of a queue: what waits for its end is confirmed then
    if (blocked) return;
    const now = performance.now();
    for (const [reject, sent] of pending) {
      if (now - sent < CONFIRM_MS) break;
      pending.delete(reject);
      silent = now;
      reject(new ConfirmTimeout());
    }
    if (pending.size === 0) {
      clearInterval(look);
      look = undefined;
    }
    goOn();
  };

  const takeReturned = (name: string): boolean => {
    const count = returned.get(name) ?? 0;
    if (count > 1) returned.set(name, count - 1);
    else returned.delete(name);
    return count > 0;
  };

  const write = (message: Outgoing): Promise<Sent> =>
    new Promise((resolve, reject) => {
      if (!channel) return reject(new Error('RabbitMQ is away'));
      const { exchange, key, content, options } = message;
      pending.set(reject, performance.now());
      look ??= setInterval(giveUpLate, LOOK_MS).unref();
      const done = (error: unknown): void => {
        if (!pending.delete(reject)) return;
        const back = takeReturned(nameOf(options.messageId, exchange, key));
        if (error) reject(error instanceof Error ? error : new Error('RabbitMQ refused the message'));
        else resolve(back ? 'returned' : 'confirmed');
        if (queue.length > 0) goOn();
      };
      try {
        if (!channel.publish(exchange, key, content, { mandatory: true, ...options }, done)) full = true;
      } catch (error) {
        pending.delete(reject);
        reject(error as Error);
      }
    });

  return {
    attach: async (model, broken) => {
      const made = await model.createConfirmChannel();
      let cause: Error | undefined;
      made.on('error', (error) => {
        cause = error;
      });
      made.on('close', () => broken(cause ?? new Error('the channel was closed')));
      made.on('handler-error', broken);
      made.on('drain', () => {
        full = false;
        goOn();
      });
      made.on('return', ({ fields, properties }) => {
        const name = nameOf(properties.messageId, fields.exchange, fields.routingKey);
        returned.set(name, (returned.get(name) ?? 0) + 1);
      });
      model.on('blocked', (reason) => {
        blocked = true;
        onChange(true, reason);
      });
      model.on('unblocked', () => {
        blocked = false;
        const now = performance.now();
        for (const reject of pending.keys()) pending.set(reject, now);
        onChange(false);
        goOn();
      });
      channel = made;
      goOn();
    },
    detach: (cause) => {
      channel = undefined;
      blocked = false;
      full = false;
      returned.clear();
      const lost = [...pending.keys()];
      pending.clear();
      for (const reject of lost) reject(cause);
      // who waits for a place is told now: the outbox and the queues keep what they have
      const waiting = queue;
      queue = [];
      for (const next of waiting) next();
    },
    send: (message) =>
      free() || channel === undefined
        ? write(message)
        : new Promise((resolve, reject) => queue.push(() => write(message).then(resolve, reject))),
    open: () => channel !== undefined && !blocked,
    confirming: () => performance.now() - silent > SILENT_MS,
  };
};
