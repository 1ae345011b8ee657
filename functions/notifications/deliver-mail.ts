/** The channel of mails: what they say, with the token opened only in the mail itself. */
import type { Context } from '../../shared/kit/context.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { traced } from '../../shared/kit/operation-span.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { deliver, type Message, type Tells } from './deliver.ts';
import { mayGo } from './message-bounds.ts';
import { openedToken } from './opened-token.ts';
import { deliveries, messageCounts } from './records.ts';

/** The ports that an operation needs to deliver a mail. */
export const MAIL_PORTS = ['clock', 'log', 'mailer', 'metrics', 'sealer', 'secrets', 'settings'] as const;
/** What it writes. */
export const MAIL_WRITES = [deliveries, messageCounts] as const;

type Given<E extends string> = Pick<Ports, (typeof MAIL_PORTS)[number]> & {
  store: Pick<
    OperationStore<never, (typeof MAIL_WRITES)[number]['name'], E>,
    'get' | 'transact' | 'increment' | 'owner' | 'isGone'
  >;
};

export interface MailRequest extends Omit<Message, 'channel'> {
  /** The address as stored. Undefined: the user is gone, and nobody gets the mail. */
  recipient: string | undefined;
  subject?: string;
  /** False when the reader does not want mails of this kind. */
  wanted?: boolean;
  /** True when its reader was reached another way, and is not to be mailed after all. */
  taken?: boolean;
}

type RenderMail = typeof import('../../shared/delivery/templates/index.heavy.ts')['renderMail'];
const render = traced(
  'notifications.render-mail',
  async (_: Pick<Context, 'trace'>, ...given: Parameters<RenderMail>): Promise<ReturnType<RenderMail>> =>
    (await import('../../shared/delivery/templates/index.heavy.ts')).renderMail(...given),
);

/** Delivers a mail. Throws as `deliver` does. */
export const deliverMail = <E extends string = never>(
  given: Given<E>,
  request: MailRequest,
  context: Pick<Context, 'attempt' | 'trace'>,
  tells?: Tells<E>,
): Promise<void> => {
  const { id, recipient, template_name, template_data, subject, wanted = true, taken } = request;
  return deliver(
    given,
    { ...request, channel: 'email' },
    context,
    async (earlier) => {
      if (recipient === undefined) return 'no_recipient';
      if (taken) return 'taken';
      if (!wanted) return 'preference';
      const to = { recipient, user_id: request.user_id, template_name };
      if (!earlier?.rounds && !(await mayGo(given, 'email', to))) return 'too_many';
      const link = await openedToken(given, request);
      const mail = await render(context, template_name, template_data, { link, subject });
      return (tried, expires_at) => given.mailer.send({ to: recipient, ...mail, message_id: id, expires_at }, tried);
    },
    tells,
  );
};
