/** The audit log as it is asked for and shown. */
import * as z from 'zod';
import { type AuditLine, auditLines } from '../../shared/kit/audit-records.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { timeFrom } from '../../shared/kit/time-sort.ts';
import type { Stored } from '../../shared/ports/store.ts';

export const AUDIT_QUERIES = [
  'audit_lines.all',
  'audit_lines.by_actor',
  'audit_lines.by_subject',
  'audit_lines.by_action',
] as const;

const Id = z.string().min(1).max(128).optional();

export const AuditFilter = {
  actor: Id.meta({ description: "A user's id or a service's name" }),
  subject: Id.meta({ description: 'The user to whom it was done, by id' }),
  action: Id.meta({ description: 'The operation', examples: ['permissions.assign-role'] }),
  from: z.coerce.number().int().min(0).optional().meta({ description: 'Not before, unix seconds' }),
};
type Filter = { actor?: string; subject?: string; action?: string; from?: number };

export const AuditEntry = z.object({
  id: z.string(),
  at: z.int().meta({ description: 'Unix seconds' }),
  actor: z.string().meta({ description: "A user's id or a service's name; empty for nobody who is known" }),
  actor_kind: z.enum(['user', 'service', 'anonymous']),
  action: z.string(),
  subject: z.string().optional(),
  about: z.record(z.string(), z.string()).optional(),
  outcome: z.enum(['done', 'refused']),
  reason: z.string().optional().meta({ description: 'Why it was refused' }),
  request_id: z.string(),
  ip_address: z.string().meta({ description: 'Empty when the person is deleted' }),
  user_agent: z.string(),
  number: z.int().optional().meta({ description: 'Its place in the chain; left out for the first moments' }),
  hash: z.string().optional(),
});

export const toEntry = ({ id, value }: Pick<Stored<AuditLine>, 'id' | 'value'>): z.input<typeof AuditEntry> => {
  const { at, origin, origin_hash: _, ...told } = value;
  const { ip_address = '', user_agent = '' } = origin ?? {};
  return { id, at: Math.floor(at / 1_000), ...told, ip_address, user_agent };
};

/** A line as the user sees it to whom it was done. */
export const OwnEntry = z.object({
  id: z.string(),
  at: z.int().meta({ description: 'Unix seconds' }),
  action: z.string(),
  by: z.enum(['you', 'another user', 'a service', 'somebody']).meta({
    description: 'somebody: who was not logged in, as when a login fails',
  }),
  about: z.record(z.string(), z.string()).optional(),
  outcome: z.enum(['done', 'refused']),
  reason: z.string().optional(),
  ip_address: z.string().meta({ description: 'Empty where somebody else acted with rights of his own' }),
  user_agent: z.string(),
});

const BY = { user: 'another user', service: 'a service', anonymous: 'somebody' } as const;

export const toOwnEntry = ({ id, value }: Stored<AuditLine>, user_id: string): z.input<typeof OwnEntry> => {
  const { at, action, actor, actor_kind, about, outcome, reason, origin } = value;
  const own = actor === user_id;
  // an administrator's address is nobody else's business
  const { ip_address = '', user_agent = '' } = (own || actor_kind === 'anonymous') && origin ? origin : {};
  const by = own ? 'you' : BY[actor_kind];
  return { id, at: Math.floor(at / 1_000), action, by, about, outcome, reason, ip_address, user_agent };
};

type AuditStore = Pick<OperationStore<'audit_lines', never, never, (typeof AUDIT_QUERIES)[number]>, 'query'>;

/** The list that tells least beside what is wanted. */
const listOf = ({ subject, actor, action }: Filter): ['by_subject' | 'by_actor' | 'by_action' | 'all', string] => {
  if (subject !== undefined) return ['by_subject', subject];
  if (actor !== undefined) return ['by_actor', actor];
  if (action !== undefined) return ['by_action', action];
  return ['all', 'all'];
};

/** A page of it, newest first. What the list does not say is looked at line by line, so a page may be short, or empty. */
export const auditPage = async (
  store: AuditStore,
  { from, ...filter }: Filter,
  page: { cursor?: string; limit: number },
): Promise<{ lines: Stored<AuditLine>[]; next_cursor?: string }> => {
  const [list, hash] = listOf(filter);
  const since = from === undefined ? {} : { from: timeFrom(from * 1_000) };
  const { items, next_cursor } = await store.query(auditLines, list, hash, { ...page, ...since, order: 'desc' });
  const wanted = ({ value }: Stored<AuditLine>): boolean =>
    (['actor', 'subject', 'action'] as const).every((name) => (filter[name] ?? value[name]) === value[name]);
  return { lines: items.filter(wanted), next_cursor };
};
