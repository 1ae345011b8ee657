/** An operation for each way in which rows may come and go. */
import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { service } from '../../shared/kit/service.ts';
import { stream } from '../../shared/kit/stream.ts';

const Numbered = z.strictObject({ n: z.int(), text: z.string().optional() });

/** What the operations saw, and what a test may hold back. */
export class Notes {
  /** Rows that `flow.count` made. */
  made = 0;
  /** Rows that came in. */
  taken = 0;
  /** Names of operations whose iterable ended, with how it ended. */
  ended: string[] = [];
  /** `flow.watch` gives a row whenever this is called. */
  tell = (): void => {};
  /** Whether `context.signal` was aborted, by operation. */
  aborted: string[] = [];
}

export const flow = (notes: Notes, idle = 60_000) => {
  const ending = async function* <T>(name: string, rows: AsyncIterable<T>): AsyncGenerator<T> {
    let how = 'left';
    try {
      yield* rows;
      how = 'whole';
    } catch (thrown) {
      how = thrown instanceof AppError ? thrown.code : 'thrown';
      throw thrown;
    } finally {
      notes.ended.push(`${name} ${how}`);
    }
  };

  const count = operation({
    name: 'flow.count',
    summary: 'Counts',
    http: { method: 'GET', path: '/count' },
    rpc: { method: 'perfect21.test.Flow/Count' },
    access: 'public',
    input: z.strictObject({
      count: z.coerce.number(),
      fail_at: z.coerce.number().optional(),
      size: z.coerce.number().optional(),
      wrong: z.coerce.boolean().optional(),
      bad_at: z.coerce.number().optional(),
    }),
    output: stream(Numbered, { idle }),
    errors: ['conflict'],
    elsewhere: 'an object in S3',
    run: (_, { count, fail_at, size = 0, wrong, bad_at }, { signal }) => {
      signal?.addEventListener('abort', () => notes.aborted.push('flow.count'));
      const numbers = async function* () {
        for (let n = 1; n <= count; n++) {
          if (n === fail_at) throw wrong ? new Error('secret cause') : new AppError('conflict', { detail: 'Enough' });
          notes.made += 1;
          yield { n: n === bad_at ? ('no' as never) : n, ...(size && { text: 'x'.repeat(size) }) };
        }
      };
      return ending('flow.count', numbers());
    },
  });

  const add = operation({
    name: 'flow.add',
    summary: 'Adds up',
    http: { method: 'POST', path: '/add' },
    rpc: { method: 'perfect21.test.Flow/Add' },
    access: 'public',
    input: stream(Numbered, { idle, limit: 100 }),
    output: z.object({ sum: z.number() }),
    elsewhere: 'an object in S3',
    run: async (_, rows) => {
      let sum = 0;
      for await (const { n } of ending('flow.add', rows)) {
        notes.taken += 1;
        sum += n;
      }
      return { sum };
    },
  });

  const double = operation({
    name: 'flow.double',
    summary: 'Doubles each',
    http: { method: 'POST', path: '/double' },
    rpc: { method: 'perfect21.test.Flow/Double' },
    access: 'public',
    input: stream(Numbered, { idle, limit: 100_000 }),
    output: stream(Numbered, { idle }),
    elsewhere: 'an object in S3',
    run: async function* (_, rows) {
      for await (const { n, text } of ending('flow.double', rows)) {
        notes.taken += 1;
        yield { n: n * 2, ...(text && { text }) };
      }
    },
  });

  const load = operation({
    name: 'flow.import',
    summary: 'Answers each row, also one that is broken',
    http: { method: 'POST', path: '/import/{into}' },
    rpc: { method: 'perfect21.test.Flow/Import' },
    access: 'public',
    input: stream(Numbered, {
      idle,
      limit: 100,
      faults: true,
      parameters: z.strictObject({ into: z.string().default('none'), dry: z.enum(['true', 'false']).optional() }),
    }),
    output: stream(z.object({ row: z.number(), result: z.string() }), { idle }),
    elsewhere: 'an object in S3',
    run: async function* (_, rows) {
      for await (const { number, row, error } of ending('flow.import', rows)) {
        yield { row: number, result: error ? error.code : `${rows.parameters.into} ${row.n}` };
      }
    },
  });

  const watch = operation({
    name: 'flow.watch',
    summary: 'Is quiet until something happens',
    http: { method: 'GET', path: '/watch' },
    access: 'public',
    input: z.strictObject({}),
    output: stream(Numbered, { idle }),
    elsewhere: 'polling',
    run: (_, __, { signal }) => {
      const told = async function* () {
        for (let n = 1; ; n++) {
          await new Promise<void>((resolve, reject) => {
            notes.tell = resolve;
            signal?.addEventListener('abort', () => reject(signal.reason));
          });
          yield { n };
        }
      };
      return ending('flow.watch', told());
    },
  });

  const secret = operation({
    name: 'flow.secret',
    summary: 'Is for services',
    http: { method: 'POST', path: '/secret' },
    access: 'service',
    input: stream(Numbered, { idle }),
    output: stream(Numbered, { idle }),
    elsewhere: 'nothing',
    run: (_, rows) => {
      notes.taken += 1;
      return rows;
    },
  });

  const all = { count, add, double, load, watch, secret };
  return { ...all, service: service('flow', Object.values(all)) };
};
