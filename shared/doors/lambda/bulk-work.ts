/**
 * The function that works on rows which go through an object. A function has 15 minutes, and rows may take hours: so it
 * works on pieces, notes after each how far it is, and calls itself by its queue while there are more. What comes again
 * after a crash goes on behind the last note.
 */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { LEAST_PART } from '../../aws/objects.ts';
import type { Context } from '../../kit/context.ts';
import { AppError, toAppError, toBatchVerdict } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { hostPorts } from '../../kit/reach.ts';
import { serviceOf } from '../../kit/service-name.ts';
import { isStream } from '../../kit/stream.ts';
import { continueTrace } from '../../kit/trace.ts';
import { MAX_ATTEMPTS } from '../../messaging/backoff.ts';
import { asOfNow, type Judges } from './bulk-asker.ts';
import { type Bulk, type Job, jobsIn, openBulk, resultKey, uploadKey } from './bulk-job.ts';
import { windowOf } from './bulk-window.ts';
import { type Choose, container } from './container.ts';
import { deadlineOf, stack } from './lambda.ts';
import { seeTo } from './retries.ts';

/** Bytes that are read at a time: some ten thousand rows. */
const WINDOW = 4 * 1024 * 1024;
/** Bytes of rows after which they are written and noted. */
const PIECE = LEAST_PART + 1024 * 1024;
/** The part of a function's time in which it begins another piece. */
const BUSY = 0.7;

/** Of a message of SQS. */
const LONGEST_DELAY_S = 900;

interface Work {
  host: Host;
  bulk: Bulk;
  op: Operation<any, any>;
  id: string;
  context: Context;
}

/** A piece of rows that come in and are answered, one by one. */
const answerRows = async ({ host, bulk, op, id, context }: Work, job: Job, bytes: number) => {
  const window = await windowOf(bulk.objects, uploadKey(id), job, { bytes, limit: op.input.limit });
  const { rows, offset, skipping, ended } = window;
  const given: unknown[] = [];
  const sent = { rows, parameters: job.input, first: job.rows + 1 };
  for await (const row of await invoke(host, op, sent, context)) given.push(row);
  return { given, ended, next: { offset, skipping } };
};

/** A piece of rows that go out. */
const giveRows = async ({ host, op, context }: Work, job: Job, until: number) => {
  const { object } = op.elsewhere as { object: (input: unknown, last: unknown) => unknown };
  const given: unknown[] = [];
  let size = 0;
  let ended = true;
  // that somebody reads is noted once, not with each piece
  const audit = job.rows > 0 ? { told: () => ({}) as never, only_events: true, written: true } : undefined;
  for await (const row of await invoke(host, op, job.input, { ...context, audit })) {
    given.push(row);
    size += JSON.stringify(row).length;
    ended = size < PIECE && host.ports.clock.now() < until;
    if (!ended) break;
  }
  return { given, ended, next: given.length ? { input: object(job.input, given.at(-1)) } : {} };
};

/** Does a piece of a job, writes its rows, and says how far it is then. */
const doPiece = async (work: Work, job: Job, bytes: number, until: number): Promise<Job> => {
  const { bulk, op, id } = work;
  const { objects } = bulk;
  const piece = isStream(op.input) ? await answerRows(work, job, bytes) : await giveRows(work, job, until);
  const { given, ended, next } = piece;
  const lines = given.map((row) => `${JSON.stringify(row)}\n`).join('');
  const moved: Job = { ...job, ...next, state: 'running', rows: job.rows + given.length, pending: job.pending + lines };
  const waiting = Buffer.from(moved.pending);
  const key = resultKey(id);
  if (ended && !moved.upload) await objects.put(key, waiting);
  else if (ended || waiting.length >= LEAST_PART) {
    moved.upload ??= await objects.begin(key);
    if (waiting.length) {
      moved.parts = [...moved.parts, await objects.part(key, moved.upload, moved.parts.length + 1, waiting)];
    }
    moved.pending = '';
  }
  if (!ended) return moved;
  if (moved.upload) await objects.complete(key, moved.upload, moved.parts);
  return { ...moved, state: 'done', pending: '', parts: [] };
};

/** Works on a job until it is done or time is up, and then calls itself. */
const work = async ({ host, bulk, ops, judges }: Surroundings, id: string, times: Times) => {
  const { clock, log } = host.ports;
  const found = await bulk.read(id);
  const op = ops.find(({ name }) => name === found?.job.operation);
  if (!found || !op) return log.warn('bulk.unknown_job', { job: id });
  let { job } = found;
  if (job.state === 'done' || job.state === 'failed') return;
  const busy_s = Math.ceil((job.busy_until - clock.now()) / 1_000);
  // a message may come twice; who is at it goes on, and should it have died somebody looks later
  if (busy_s > 0) return bulk.wake(id, Math.min(busy_s, LONGEST_DELAY_S));
  const { caller, client, request_id } = job;
  const trace = continueTrace(undefined);
  const asked: Context = { request_id, trace, caller, client, door: 'lambda', deadline: times.deadline };
  const context = await asOfNow(host, judges, op, asked, job.input);
  if (!context) {
    await bulk.save(id, { ...job, state: 'failed', code: 'forbidden', pending: '' }, found.etag);
    if (isStream(op.input)) await bulk.objects.remove(uploadKey(id));
    return log.warn('bulk.refused', { operation: op.name, job: id, rows: job.rows });
  }
  const doing: Work = { host, bulk, op, id, context };
  let etag: string | undefined = found.etag;
  const note = async (next: Job): Promise<void> => {
    etag = await bulk.save(id, next, etag);
    if (etag === undefined) throw new AppError('unavailable', { detail: 'Another function is at it' });
    job = next;
  };
  await note({ ...job, state: 'running', busy_until: times.deadline });
  try {
    do await note(await doPiece(doing, job, times.bytes, times.until));
    while (job.state === 'running' && clock.now() < times.until);
  } catch (thrown) {
    const error = toAppError(thrown);
    const over = toBatchVerdict(error) === 'park' || times.attempt >= MAX_ATTEMPTS;
    // what could be noted before stays, and who comes next goes on behind it
    const noted: Job = { ...job, busy_until: 0, ...(over && { state: 'failed', code: error.code }) };
    if (etag !== undefined) await note(noted).catch((cause) => log.warn('bulk.not_noted', { job: id, cause }));
    throw error;
  }
  if (job.state === 'running') {
    await note({ ...job, busy_until: 0 });
    return bulk.wake(id);
  }
  if (isStream(op.input)) await bulk.objects.remove(uploadKey(id));
  log.info('bulk.done', { operation: op.name, job: id, rows: job.rows });
};

interface Surroundings {
  host: Host;
  bulk: Bulk;
  ops: readonly Operation<any, any>[];
  judges: Judges;
}

interface Times {
  /** Unix ms until which a piece is begun, and at which all has to be done. */
  until: number;
  deadline: number;
  attempt: number;
  bytes: number;
}

/**
 * The handler of the function behind a service's queue of bulk work.
 *
 * @param judges say what who asked may now
 * @param options.bytes that are read at a time
 * @example export const handler = await opened(lambdaWork([exportUsers], { getAccount, getEffective }, ({ store }) => […]));
 */
export const lambdaWork = (
  ops: readonly Operation<any, any>[],
  judges: Judges,
  choose: Choose,
  { bytes = WINDOW }: { bytes?: number } = {},
) => {
  const ports = new Set(
    [...ops, judges.getAccount, judges.getEffective].flatMap((op) => [...hostPorts({ ...op, access: 'public' })]),
  );
  const open = container([...ports.add('metrics')], choose);
  const stacked = stack(serviceOf(ops[0]!), async (event: SQSEvent, context): Promise<SQSBatchResponse> => {
    const host = await open();
    const bulk = openBulk(process.env);
    if (!bulk) throw new TypeError('PERFECT21_BULK_BUCKET names no bucket');
    const failed: string[] = [];
    for (const record of event.Records) {
      const until = host.ports.clock.now() + context.getRemainingTimeInMillis() * BUSY;
      const attempt = Number(record.attributes.ApproximateReceiveCount) || 1;
      const times = { until, deadline: deadlineOf(host, context), attempt, bytes };
      try {
        for (const id of jobsIn(record.body)) await work({ host, bulk, ops, judges }, id, times);
      } catch (thrown) {
        const error = toAppError(thrown);
        host.ports.log.error('bulk.failed', { code: error.code, attempt, cause: error.cause ?? error });
        if (!(await seeTo(host, record, 'bulk', error))) failed.push(record.messageId);
      }
    }
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  });
  return Object.assign(stacked, { open });
};
