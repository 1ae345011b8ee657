import * as z from 'zod';
import { serviceCredentials } from '../../shared/keys/service-credential-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { Service, toService } from './services.ts';

/** Lists the services that may call: what each may, and how many secrets and keys it has; never those themselves. */
export const listServices = operation({
  name: 'auth.list-services',
  summary: 'Lists the services that may call',
  http: { method: 'GET', path: '/api/v1/services' },
  access: 'services:read',
  input: z.strictObject({
    cursor: z.string().max(1024).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({ services: z.array(Service), next_cursor: z.string().optional() }),
  reads: [serviceCredentials],
  queries: ['service_credentials.all'],
  run: async ({ store }, { cursor, limit }) => {
    const { items, next_cursor } = await store.query(serviceCredentials, 'all', 'all', { cursor, limit });
    return { services: items.map(toService), next_cursor };
  },
});
