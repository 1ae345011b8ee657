import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { isoOf, NamedMoment } from '../../shared/kit/moment.ts';
import { operation } from '../../shared/kit/operation.ts';
import { WriteConflict } from '../../shared/ports/store.ts';
import { getContact } from '../users/get-contact.ts';
import { canonicalEmail, PhoneNumber } from '../users/model.ts';
import { askFor, fallbacksOf, SENDS } from './ask.ts';
import { contactOf } from './contact.ts';
import { PRIORITIES } from './events.ts';
import { CATEGORIES, CHANNELS, type Channel, keyedId } from './model.ts';
import { deliveries } from './records.ts';

const invalid = (path: string, message: string): AppError =>
  new AppError('invalid_request', { errors: [{ path, message }] });

const Request = z
  .strictObject({
    user_id: z.string().min(1).max(128).optional(),
    email: z
      .string()
      .min(3)
      .max(320)
      .refine((text) => canonicalEmail(text) !== undefined, 'Not an e-mail address')
      .optional()
      .meta({ format: 'email', description: 'In place of a user, for somebody who is none' }),
    phone_number: PhoneNumber.optional().meta({ description: 'In place of a user, for somebody who is none' }),
    channels: z.array(z.enum(CHANNELS)).min(1).max(CHANNELS.length),
    category: z.enum(CATEGORIES).default('account'),
    template_name: z
      .string()
      .min(1)
      .max(64)
      .meta({ examples: ['notice'] }),
    template_data: z
      .record(z.string().max(64), z.unknown())
      .default({})
      .meta({ description: 'As the template takes it; a token is sealed before it travels' }),
    subject: z.string().max(200).optional(),
    priority: z.enum(PRIORITIES).default('normal'),
    send_at: NamedMoment.optional().meta({ description: 'At once when left out' }),
    expires_at: NamedMoment.optional().meta({ description: 'Not sent any more after that' }),
    fallback_after: z.int().min(10).max(86_400).optional().meta({
      description:
        'Seconds: where no device took the message of the inbox by then, nor was it read, it is pushed, and after as long again mailed, as the user wants it',
    }),
    idempotency_key: z.string().min(16).max(128).optional().meta({
      description:
        'Makes it safe to repeat the request: under the same key of the same service it gets the same id, and nothing is sent again',
    }),
  })
  .refine(({ user_id, email, phone_number }) => (user_id === undefined) === !!(email ?? phone_number), {
    path: ['user_id'],
    message: 'Give either a user_id, or an email or phone_number',
  })
  .refine(({ email, channels }) => email === undefined || channels.includes('email'), {
    path: ['email'],
    message: 'No mail is asked for in channels',
  })
  .refine(({ phone_number, channels }) => phone_number === undefined || channels.includes('sms'), {
    path: ['phone_number'],
    message: 'No text message is asked for in channels',
  })
  .refine(({ fallback_after, channels }) => fallback_after === undefined || channels.includes('realtime'), {
    path: ['fallback_after'],
    message: 'Nothing goes into the inbox that could be taken: name realtime in channels',
  })
  .meta({
    examples: [
      {
        user_id: '01890a5d-ac96-774b-bcce-b302099a8057',
        channels: ['email', 'realtime'],
        template_name: 'notice',
        template_data: { title: 'Planned work', text: 'On Sunday from 02:00 to 03:00 UTC nobody can log in.' },
      },
    ],
  });

/** They come with the first message: a start does without. */
const loadTemplates = () => import('../../shared/delivery/templates/index.heavy.ts');

/** Renders the message as each channel will, so that what can't be sent is refused now. */
const tryOut = (
  { renderMail, renderShort, templateOf }: Awaited<ReturnType<typeof loadTemplates>>,
  channels: ReadonlySet<Channel>,
  name: string,
  data: Record<string, unknown>,
  subject?: string,
): void => {
  if (channels.has('email')) renderMail(name, data, { link: 'https://link.invalid', subject });
  if (channels.size > (channels.has('email') ? 1 : 0)) renderShort(name, data, 'https://link.invalid');
  if (channels.has('realtime') && templateOf(name).token)
    throw invalid('channels', 'A token does not go into an inbox');
};

/** Asks for a message to a user, or to an address. What becomes of it is in the deliveries of the id that this answers. */
export const sendNotification = operation({
  name: 'notifications.send-notification',
  summary: 'Sends a message by mail, text message, push or into the inbox',
  http: { method: 'POST', path: '/api/v1/notifications', status: 202 },
  access: 'service',
  input: Request,
  output: z.object({ id: z.string() }),
  errors: ['not_found'],
  emits: SENDS,
  writes: [deliveries],
  needs: ['clock', 'ids', 'sealer'],
  calls: { getContact },
  run: async ({ getContact, store, clock, ids, sealer }, request, { caller }) => {
    const { user_id, template_name, subject, category, priority, idempotency_key } = request;
    const [send_at, expires_at] = [isoOf(request.send_at), isoOf(request.expires_at)];
    const channels = new Set(request.channels);
    const { fallback_after } = request;
    const contact = user_id === undefined ? undefined : await contactOf(getContact, user_id);
    if (user_id !== undefined && !contact) throw new AppError('not_found', { detail: 'No user has this id' });
    if (!contact && (channels.has('push') || channels.has('realtime'))) {
      throw invalid('channels', 'Push and inbox are for users');
    }
    const { locale, first_name } = contact ?? {};
    const template_data: Record<string, unknown> = {
      ...(locale && { locale }),
      ...(first_name && { first_name }),
      ...request.template_data,
    };
    const templates = await loadTemplates();
    const { token } = templates.templateOf(template_name);
    const field = token?.field ?? 'token';
    const plain = template_data[field];
    if (token && !(token.optional && plain === undefined)) {
      if (typeof plain !== 'string') throw invalid(`template_data.${field}`, 'Has to be a text');
      template_data[field] = sealer.seal(plain, token.purpose);
    }
    const ways: ReadonlySet<Channel> =
      fallback_after === undefined ? channels : new Set([...channels, 'push', 'email']);
    tryOut(templates, ways, template_name, template_data, subject);
    const recipients: Record<Channel, string | undefined> = {
      email: contact?.email ?? canonicalEmail(request.email ?? ''),
      sms: contact ? contact.phone_number : request.phone_number,
      push: user_id,
      realtime: user_id,
    };
    const id =
      idempotency_key === undefined
        ? ids.uuid()
        : keyedId(caller.kind === 'service' ? caller.name : '', idempotency_key);
    const now = clock.now();
    const ask = { id, user_id, category, template_name, template_data, priority, subject, send_at, expires_at };
    const later = fallback_after === undefined ? [] : fallbacksOf(ask, channels, fallback_after * 1_000, now);
    const asked = [
      askFor(ask, Object.fromEntries([...channels].map((channel) => [channel, recipients[channel]])), now),
      ...later.map((each) => askFor(each.ask, { [each.channel]: recipients[each.channel] }, now)),
    ];
    try {
      await store.transact(
        asked.flatMap(({ writes }) => writes),
        asked.flatMap(({ events }) => events),
      );
    } catch (error) {
      // it was asked for before
      if (idempotency_key === undefined || !(error instanceof WriteConflict)) throw error;
    }
    return { id };
  },
});
