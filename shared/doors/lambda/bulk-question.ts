/**
 * What an operation that streams is behind API Gateway: a question that gets addresses. The first answer (202) names a job
 * and, where rows come in, the address that takes them; asked again with `job`, it says how far that is and, when it is
 * done, at which address its rows are.
 */
import * as z from 'zod';
import type { Caller } from '../../kit/context.ts';
import { AppError } from '../../kit/errors.ts';
import { type Operation, operation } from '../../kit/operation.ts';
import { isStream, NDJSON } from '../../kit/stream.ts';
import { type Bulk, type Job, resultKey, uploadKey } from './bulk-job.ts';

/** Seconds that an address is good for, as long as an access token is. */
const ADDRESS_S = 900;

const Address = z.object({
  method: z.enum(['GET', 'PUT']),
  url: z.string(),
  headers: z.record(z.string(), z.string()).meta({ description: 'To send as they stand here' }),
  expires_at: z.int().meta({ description: 'Unix seconds' }),
});

/** What is told of a job. */
export const BulkJob = z.object({
  job: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  rows: z.int().meta({ description: 'That are done' }),
  code: z.string().optional().meta({ description: 'Why it failed, as in problems' }),
  upload: Address.optional().meta({ description: 'Takes the rows, once' }),
  result: Address.optional().meta({ description: 'Gives the rows' }),
});

/** What a binding says before it is known whether this is the first time that it is asked. */
const New = z.object({ fresh: z.boolean(), told: BulkJob });

const same = (one: Caller, other: Caller): boolean =>
  one.kind === 'user'
    ? other.kind === 'user' && one.user_id === other.user_id
    : one.kind === 'service' && other.kind === 'service' && one.name === other.name;

/** The question in place of the stream, open to whom the operation is open. */
export const asking = (op: Operation<any, any>, bulk: () => Bulk | undefined): Operation<any, any> => {
  const takesRows = isStream(op.input);
  const fields = (takesRows ? op.input.parameters : op.input) ?? z.strictObject({});
  const [{ method, path }] = op.http as [(typeof op.http)[number]];
  return operation({
    name: op.name,
    summary: op.summary,
    http: {
      ...{ method, path },
      answers: [
        { status: 202, kind: 'json', schema: BulkJob },
        { status: 200, kind: 'json', schema: BulkJob },
      ],
      answer: ({ fresh, told }: z.output<typeof New>) =>
        fresh
          ? { status: 202, kind: 'json', json: told, headers: { 'retry-after': '2' } }
          : { status: 200, kind: 'json', json: told },
    },
    access: op.access,
    ...(op.bounds && { bounds: op.bounds }),
    input: (fields as z.ZodObject).extend({ job: z.uuid().optional() }),
    output: New,
    errors: ['not_found', 'unimplemented'],
    needs: ['clock', 'ids'],
    run: async ({ clock, ids }, asked, { caller, client, request_id }) => {
      const { job: known, ...input } = asked as { job?: string } & Record<string, unknown>;
      const opened = bulk();
      if (!opened)
        throw new AppError('unimplemented', { detail: 'Streams are not offered here, and there is no bucket' });
      const { objects, read, save, wake } = opened;
      const address = async (of: 'GET' | 'PUT', key: string, headers: Record<string, string> = {}) => ({
        ...{ method: of, url: await objects.presign(of, key, ADDRESS_S, headers), headers },
        expires_at: Math.floor(clock.now() / 1_000) + ADDRESS_S,
      });
      if (known !== undefined) {
        const found = await read(known);
        if (!found || found.job.operation !== op.name || !same(found.job.caller, caller))
          throw new AppError('not_found', { detail: 'There is no such job' });
        const { state, rows, code } = found.job;
        const result = state === 'done' ? await address('GET', resultKey(known)) : undefined;
        return { fresh: false, told: { job: known, state, rows, ...(code && { code }), ...(result && { result }) } };
      }
      const id = ids.uuid();
      const { ip, user_agent } = client;
      const job: Job = {
        ...{ operation: op.name, caller, client: { ip, user_agent }, request_id, input },
        ...{ state: 'waiting', busy_until: 0, rows: 0, offset: 0, parts: [], pending: '' },
      };
      // whoever has the address may write what he likes, but not over what was written
      const upload = takesRows
        ? await address('PUT', uploadKey(id), { 'content-type': NDJSON, 'if-none-match': '*' })
        : undefined;
      await save(id, job);
      if (!upload) await wake(id);
      return { fresh: true, told: { job: id, state: 'waiting' as const, rows: 0, ...(upload && { upload }) } };
    },
  });
};
