import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { Policy } from './model.ts';
import { toPolicy } from './policy-rule.ts';
import { policies } from './records.ts';

/** Lists policies by name. */
export const listPolicies = operation({
  name: 'permissions.list-policies',
  summary: 'Lists policies',
  http: { method: 'GET', path: '/api/v1/policies' },
  access: 'permissions:read',
  input: z.strictObject({
    cursor: z.string().max(1_024).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({ policies: z.array(Policy), next_cursor: z.string().optional() }),
  reads: [policies],
  queries: ['policies.all'],
  run: async ({ store }, { cursor, limit }) => {
    const { items, next_cursor } = await store.query(policies, 'all', 'all', { limit, cursor });
    return { policies: items.map(toPolicy), next_cursor };
  },
});
