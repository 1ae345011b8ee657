/** Pure rules of notifications: channels, what users may switch off, and which devices may be pushed to. */
import { createHash } from 'node:crypto';
import * as z from 'zod';

/** `realtime` puts a message into the user's inbox, where connected clients see it at once. */
export const CHANNELS = ['email', 'sms', 'push', 'realtime'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What a message is about, as far as its reader may choose: safety, the own account, everything else. */
export const CATEGORIES = ['security', 'account', 'product'] as const;
export type Category = (typeof CATEGORIES)[number];

const channels = z.strictObject({ email: z.boolean(), sms: z.boolean(), push: z.boolean(), realtime: z.boolean() });

/** By category and channel: whether messages come that way. */
export const Preferences = z.object({ security: channels, account: channels, product: channels });
export type Preferences = z.output<typeof Preferences>;

const change = channels.partial().optional().meta({ description: 'Channels that are left out stay as they are' });
/** What a user may change. */
export const PreferencesChange = z.strictObject({
  security: change.refine((wanted) => wanted?.email !== false, {
    path: ['email'],
    message: 'Mails about the security of an account always come',
  }),
  account: change,
  product: change,
});
export type PreferencesChange = z.output<typeof PreferencesChange>;

const DEFAULTS: Preferences = {
  security: { email: true, sms: true, push: true, realtime: true },
  account: { email: true, sms: false, push: true, realtime: true },
  product: { email: false, sms: false, push: false, realtime: true },
};

/** The preferences of somebody who chose so. */
export const preferencesOf = (chosen: PreferencesChange = {}): Preferences => ({
  security: { ...DEFAULTS.security, ...chosen.security, email: true },
  account: { ...DEFAULTS.account, ...chosen.account },
  product: { ...DEFAULTS.product, ...chosen.product },
});

/** The later choice over the earlier one. */
export const mergeChoices = (earlier: PreferencesChange, later: PreferencesChange): PreferencesChange =>
  Object.fromEntries(CATEGORIES.map((category) => [category, { ...earlier[category], ...later[category] }]));

const isPushAddress = (address: string): boolean => {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, port, username, password } = new URL(address);
  const isName =
    /^(?=.*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(hostname) && !/\.(local|localhost|internal)$/.test(hostname);
  return protocol === 'https:' && port === '' && username === '' && password === '' && isName;
};

const bytes = (length: number, first?: number) =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9_-]+={0,2}$/, 'Use base64url')
    .refine((text) => {
      const decoded = Buffer.from(text, 'base64url');
      return decoded.length === length && (first === undefined || decoded[0] === first);
    }, `Not ${length} bytes as they should be`);

/** Where a device is pushed to: a `PushSubscription` of a browser as JSON, or an endpoint of an SNS platform application. */
export const NewDevice = z
  .strictObject({
    endpoint: z.string().max(1024).refine(isPushAddress, 'Not the https address of a push service').optional(),
    keys: z.strictObject({ p256dh: bytes(65, 4), auth: bytes(16) }).optional(),
    expirationTime: z.number().nullable().optional(),
    endpoint_arn: z
      .string()
      .regex(
        /^arn:aws[a-z-]{0,10}:sns:[a-z0-9-]{1,32}:\d{12}:endpoint\/[A-Z_]{2,20}\/[A-Za-z0-9_.-]{1,256}\/[0-9a-f-]{36}$/,
        'Not the ARN of an endpoint of SNS',
      )
      .optional(),
  })
  .refine(({ endpoint, keys, endpoint_arn }) => (endpoint_arn ? !endpoint && !keys : endpoint && keys), {
    message: 'Give endpoint and keys of a browser, or endpoint_arn',
  })
  .meta({
    examples: [
      {
        endpoint: 'https://push.example.com/send/abc',
        keys: {
          // of the example in RFC 8291, appendix A
          p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
          auth: 'BTBZMqHH6r4Tts7J_aSIgg',
        },
      },
    ],
  });

/** Devices of one user; a further one takes the place of the one that was registered first. */
export const MAX_DEVICES = 10;

/** The id of a device: who registers it again gets the same, and it tells nothing of the address. */
export const deviceId = (address: string): string =>
  createHash('sha256').update(address).digest('base64url').slice(0, 32);

/** The id of a message that a service asked for under a key: the same for the same key of the same service, and no event's. */
export const keyedId = (service: string, key: string): string =>
  createHash('sha256')
    .update(JSON.stringify(['message', service, key]))
    .digest('base64url');

/** The id of the ledger's record of a message on a channel. */
export const deliveryId = (id: string, channel: Channel): string => `${id}.${channel}`;
