/** How many messages go out in an hour, whoever provoked them: text messages cost money, and nobody wants a flood. */
import { counterKey } from '../../shared/kit/counter-key.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { mailboxOf } from '../users/model.ts';
import { messageCounts } from './records.ts';

const HOUR_MS = 3_600_000;

/**
 * Messages in an hour: of one template to one address, of all to one address or user, and of the whole platform. What one
 * template used up leaves the others their part, so that nobody can keep the link for a new password from its owner.
 */
export const HOURLY = {
  email: { template: 10, recipient: 30, all: 20_000 },
  sms: { template: 5, recipient: 10, all: 1_000 },
} as const;

/** Text messages to one number a day: they cost money, and nobody wants more. */
export const SMS_A_DAY = 20;

type Given = Pick<Ports, 'clock' | 'secrets' | 'settings'> & {
  store: Pick<OperationStore<never, 'message_counts', never>, 'increment'>;
};

/**
 * Counts a message, and says whether it may go. Mails to one mailbox count together, whatever stands behind its `+`.
 *
 * @example if (!(await mayGo(given, 'sms', { recipient, user_id, template_name }))) return 'too_many';
 */
export const mayGo = async (
  { store, clock, secrets, settings }: Given,
  channel: keyof typeof HOURLY,
  { recipient, user_id, template_name }: { recipient: string; user_id?: string; template_name: string },
): Promise<boolean> => {
  const { template, recipient: ofOne, all } = HOURLY[channel];
  const to = channel === 'email' ? mailboxOf(recipient) : recipient;
  const bounds: [number, ...string[]][] = [
    [template, to, template_name],
    [ofOne, to],
    ...(user_id === undefined ? [] : [[ofOne, 'user', user_id] as [number, ...string[]]]),
    [all, 'all'],
  ];
  // what one bound holds back does not use up the next one
  for (const [most, ...what] of bounds) {
    const options = { expires_at: clock.now() + HOUR_MS };
    const count = await store.increment(messageCounts, counterKey(secrets, channel, ...what), options);
    if (count > most * settings.rate_limits) return false;
  }
  return true;
};
