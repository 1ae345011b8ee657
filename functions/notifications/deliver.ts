/** Sends one message on one channel, once: the ledger says what was done, however often its event is delivered. */
import type { Context } from '../../shared/kit/context.ts';
import { AppError, ERRORS, toAppError } from '../../shared/kit/errors.ts';
import type { NewEvent } from '../../shared/kit/event.ts';
import { utc } from '../../shared/kit/moment.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { MAX_ATTEMPTS } from '../../shared/messaging/backoff.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { insert, type Stored, update } from '../../shared/ports/store.ts';
import { realtimeFrame } from './events.ts';
import { deliveryFrame } from './frames.ts';
import { type Channel, deliveryId } from './model.ts';
import {
  type Attempt,
  DELIVERY_TTL_MS,
  type DeliveryReason,
  type DeliveryRecord,
  type DeliveryStatus,
  deliveries,
} from './records.ts';

type Ledger<E extends string> = Pick<Ports, 'clock' | 'log' | 'metrics'> & {
  store: Pick<OperationStore<never, 'deliveries', E>, 'get' | 'transact' | 'owner' | 'isGone'>;
};

/** Which message, on which channel. */
export interface Message {
  id: string;
  channel: Channel;
  template_name: string;
  template_data: Record<string, unknown>;
  user_id?: string;
  expires_at?: string;
}

/** Sends, unless `expires_at` (Unix ms) has passed, and tells of each try. Throws what the channel throws. */
export type Send = (tried: (attempt: Omit<Attempt, 'at'>) => void, expires_at: number | undefined) => Promise<void>;

const FINAL: readonly DeliveryStatus[] = ['sent', 'expired', 'suppressed'];
const ENDS: readonly DeliveryStatus[] = [...FINAL, 'failed'];
/** What an operation declares as `emits` that delivers what a service asked for, and tells of it. */
export const DELIVERY_EMITS = [realtimeFrame] as const;

/** Events that follow from what became of a message. */
export type Tells<E extends string> = (message: Message, record: DeliveryRecord) => readonly NewEvent<E>[];
/** A send that began longer ago than a handler may take, in ms, was cut off, whatever is known of its process. */
const UNDER_WAY_MS = 60_000;
const KEPT_ATTEMPTS = 100;

/** A new record of the ledger. */
export const newDelivery = (
  { channel, template_name, user_id }: Pick<Message, 'channel' | 'template_name' | 'user_id'>,
  status: DeliveryStatus,
  now: number,
): DeliveryRecord => ({
  channel,
  template: template_name,
  ...(user_id && { user_id }),
  status,
  created_at: now,
  updated_at: now,
  rounds: 0,
  attempts: [],
});

/** When the life of a message ends, in Unix ms; never when neither its request nor its template says so. */
const endOf = ({ expires_at, template_data }: Message): number | undefined => {
  const ends = [expires_at, template_data.expires_at].flatMap((moment) =>
    typeof moment === 'string' ? Date.parse(utc(moment)) || [] : [],
  );
  return ends.length ? Math.min(...ends) : undefined;
};

type Verdict = Pick<DeliveryRecord, 'status' | 'reason'>;

/** What a failure makes of a delivery: what its queue will do with the message after this try. */
const verdictOf = (error: AppError, attempt: number, late: boolean): Verdict => {
  if (error.code === 'unimplemented') return { status: 'suppressed', reason: 'no_provider' };
  if (error.code === 'not_found') return { status: 'suppressed', reason: 'no_device' };
  if (!ERRORS[error.code].retry) return { status: 'failed', reason: 'refused' };
  if (late) return { status: 'expired' };
  return attempt < MAX_ATTEMPTS ? { status: 'retrying' } : { status: 'failed', reason: 'gave_up' };
};

/** What the open connections of the one whom it is for are told of its end. */
export const tellConnections: Tells<'realtime.frame'> = ({ id, channel, user_id }, { status, reason, updated_at }) =>
  user_id && ENDS.includes(status)
    ? [realtimeFrame.with(deliveryFrame(user_id, { id, channel, status, reason }, updated_at), { user_id })]
    : [];

/**
 * Delivers a message unless the ledger says that it was dealt with. `prepare` gives the send, or why there is none.
 *
 * Whether it is tried again is the queue's to say: it counts tries that died before the ledger heard of them, and starts
 * anew after a replay.
 *
 * Nothing is sent while another delivery of the same message is under way in a process that lives. If the process dies between the send and the
 * mark that it was sent, the message goes out again, with the same id.
 *
 * What the providers refuse for good (a mail to an address that does not exist) is final: told in the ledger and counted.
 *
 * @throws AppError `unavailable` when it may work later, `invalid_request` when it can't be made into a message
 */
export const deliver = async <E extends string = never>(
  { store, clock, log, metrics }: Ledger<E>,
  message: Message,
  { attempt }: Pick<Context, 'attempt'>,
  prepare: (earlier: DeliveryRecord | undefined) => Promise<Send | DeliveryReason> | Send | DeliveryReason,
  tells: Tells<E> = () => [],
): Promise<void> => {
  const key = deliveryId(message.id, message.channel);
  const now = clock.now();
  const earlier = await store.get(deliveries, key);
  if (earlier && FINAL.includes(earlier.value.status)) return;
  if (earlier?.value.status === 'sending' && now - earlier.value.updated_at < UNDER_WAY_MS) {
    const { sender } = earlier.value;
    if (!sender || !(await store.isGone(sender)))
      throw new AppError('unavailable', { detail: 'The message is just being sent' });
  }
  const { reason: _, sender: __, ...base } = earlier?.value ?? newDelivery(message, 'sending', now);
  const write = (read: Stored<DeliveryRecord> | undefined, value: DeliveryRecord): Promise<void> =>
    store.transact(
      [
        read
          ? update(deliveries, read, value)
          : insert(deliveries, key, value, { expires_at: base.created_at + DELIVERY_TTL_MS }),
      ],
      tells(message, value),
    );

  const end = endOf(message);
  const isLate = (): boolean => end !== undefined && end <= clock.now();
  if (isLate()) return write(earlier, { ...base, status: 'expired', updated_at: now });
  const rounds = base.rounds + 1;
  let send: Send | DeliveryReason;
  try {
    send = await prepare(earlier?.value);
  } catch (thrown) {
    const verdict = verdictOf(toAppError(thrown), attempt ?? rounds, false);
    await write(earlier, { ...base, ...verdict, updated_at: now });
    throw thrown;
  }
  if (typeof send === 'string') return write(earlier, { ...base, status: 'suppressed', reason: send, updated_at: now });

  const before = base.attempts.slice(-KEPT_ATTEMPTS);
  const attempts = [...before, { at: now }];
  const sender = await store.owner();
  await write(earlier, { ...base, status: 'sending', sender, rounds, attempts, updated_at: now });
  const tried: Attempt[] = [];
  let failure: AppError | undefined;
  try {
    await send((one) => tried.push({ at: clock.now(), ...one }), end);
  } catch (thrown) {
    failure = toAppError(thrown);
  }
  const verdict: Verdict = failure ? verdictOf(failure, attempt ?? rounds, isLate()) : { status: 'sent' };
  if (tried.length === 0 && verdict.status !== 'expired') {
    const outcome = failure ? (ERRORS[failure.code].retry ? 'unavailable' : 'refused') : 'sent';
    tried.push({ at: now, outcome });
  }
  const started = await store.get(deliveries, key);
  const concluded = { ...base, ...verdict, rounds, attempts: [...before, ...tried], updated_at: clock.now() };
  if (started) await write(started, concluded);
  if (verdict.reason === 'refused') {
    // the ledger says so; there is nothing to repair that a dead letter would wait for
    const { id: message_id, channel, template_name: template } = message;
    log.warn('message.refused', { message_id, channel, template, detail: tried.at(-1)?.answer });
    metrics.count('perfect21_messages_refused_total', { channel });
  } else if (failure && !FINAL.includes(verdict.status)) throw failure;
};
