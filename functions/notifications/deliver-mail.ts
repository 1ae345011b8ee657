/** Sends one mail for one event, once: the ledger says what was done, however often the event is delivered. */
import { renderMail, templateOf } from '../../shared/delivery/templates/index.ts';
import { AppError, toAppError } from '../../shared/errors.ts';
import type { OperationStore } from '../../shared/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { insert, type Stored, update } from '../../shared/ports/store.ts';
import { DELIVERY_TTL_MS, type DeliveryRecord, deliveries } from './records.ts';

/** The ports that an operation needs to deliver a mail. */
export const MAIL_PORTS = ['clock', 'mailer', 'sealer', 'settings'] as const;

type Given = Pick<Ports, (typeof MAIL_PORTS)[number]> & {
  store: Pick<OperationStore<never, 'deliveries', never>, 'get' | 'transact'>;
};

export interface MailRequest {
  message_id: string;
  user_id?: string;
  /** The address as stored. Undefined: the user is gone, and nobody gets the mail. */
  recipient: string | undefined;
  template_name: string;
  template_data: Record<string, unknown>;
  subject?: string;
}

const FINAL: readonly DeliveryRecord['status'][] = ['sent', 'expired', 'deferred', 'suppressed'];

/** The link of a template, with the token opened only here. The base is configured, never taken from a request. */
const linkOf = ({ sealer, settings }: Given, { template_name, template_data }: MailRequest): string | undefined => {
  const { token } = templateOf(template_name);
  if (!token) return undefined;
  const sealed = template_data.token;
  const opened = typeof sealed === 'string' ? sealer.open(sealed, token.purpose) : undefined;
  if (opened === undefined) {
    throw new AppError('invalid_request', { errors: [{ path: 'template_data.token', message: 'Does not open' }] });
  }
  return `${settings.public_url}${token.path}?token=${encodeURIComponent(opened)}`;
};

const isLate = ({ expires_at }: Record<string, unknown>, now: number): boolean =>
  typeof expires_at === 'string' && Date.parse(expires_at) <= now;

/**
 * Delivers a mail unless the ledger says that it was dealt with.
 *
 * @throws AppError `unavailable` when it may work later, `invalid_request` when it never will
 */
export const deliverMail = async (given: Given, request: MailRequest): Promise<void> => {
  const { store, clock, mailer } = given;
  const { message_id, user_id, recipient, template_name, template_data, subject } = request;
  const now = clock.now();
  const earlier = await store.get(deliveries, message_id);
  if (earlier && FINAL.includes(earlier.value.status)) return;

  const base: DeliveryRecord = earlier?.value ?? {
    channel: 'email',
    template: template_name,
    ...(user_id && { user_id }),
    status: 'sending',
    created_at: now,
    updated_at: now,
    attempts: [],
  };
  const expires_at = base.created_at + DELIVERY_TTL_MS;
  const write = (read: Stored<DeliveryRecord> | undefined, value: DeliveryRecord): Promise<void> =>
    store.transact([read ? update(deliveries, read, value) : insert(deliveries, message_id, value, { expires_at })]);

  if (recipient === undefined) return write(earlier, { ...base, status: 'suppressed', updated_at: now });
  if (isLate(template_data, now)) return write(earlier, { ...base, status: 'expired', updated_at: now });
  const link = linkOf(given, request);
  const mail = renderMail(template_name, template_data, { link, subject });

  // bounded: a message is tried a few times, and again after each replay
  const attempts = [...base.attempts.slice(-19), { at: now }];
  await write(earlier, { ...base, status: 'sending', attempts, updated_at: now });
  const conclude = async (
    status: DeliveryRecord['status'],
    outcome: DeliveryRecord['attempts'][number]['outcome'],
  ): Promise<void> => {
    const started = await store.get(deliveries, message_id);
    if (!started) return;
    const last = { at: now, outcome };
    await write(started, {
      ...started.value,
      status,
      attempts: [...started.value.attempts.slice(0, -1), last],
      updated_at: clock.now(),
    });
  };
  try {
    await mailer.send({ to: recipient, ...mail, message_id });
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'invalid_request') await conclude('failed', 'refused');
    else await conclude('sending', 'unavailable');
    throw error;
  }
  await conclude('sent', 'sent');
};
