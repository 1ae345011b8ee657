import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';

/** The key that a browser subscribes with. It changes only with the platform's secret; subscriptions end with it. */
export const getPushKey = operation({
  name: 'notifications.get-push-key',
  summary: 'Gives the key by which browsers subscribe to push messages',
  http: { method: 'GET', path: '/api/v1/notifications/push-key' },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({
    public_key: z.string().meta({ description: '`applicationServerKey` (RFC 8292); empty where Web Push is not set' }),
  }),
  needs: ['pushKey'],
  run: ({ pushKey }) => ({ public_key: pushKey.public_key }),
});
