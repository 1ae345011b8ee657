/** What is known of rows that go through an object: kept in the bucket beside them, each version written over the one before. */
import * as z from 'zod';
import { type Objects, s3Objects } from '../../aws/objects.ts';
import type { Caller } from '../../kit/context.ts';
import type { ErrorCode } from '../../kit/errors.ts';
import { openSqs, sqsQueue } from '../../messaging/eventbridge/sqs.ts';

export interface Job {
  operation: string;
  /** Who asked: with these rights the work is done. */
  caller: Caller;
  client: { ip?: string; user_agent?: string };
  request_id: string;
  /** What the operation is asked next: of rows that go out, for those behind the last one. */
  input?: unknown;
  state: 'waiting' | 'running' | 'done' | 'failed';
  /** Why it failed. */
  code?: ErrorCode;
  /** Unix ms until which a function is at it. */
  busy_until: number;
  /** Rows that were answered or given. */
  rows: number;
  /** Bytes of the rows that came in which are done. */
  offset: number;
  /** What stands there is the rest of a line that was too long. */
  skipping?: boolean;
  /** The writing of the result: its name, its parts, and what is no part yet. */
  upload?: string;
  parts: string[];
  pending: string;
}

export const jobKey = (id: string): string => `jobs/${id}`;
/** Rows that come in. */
export const uploadKey = (id: string): string => `uploads/${id}`;
/** Rows that go out. */
export const resultKey = (id: string): string => `results/${id}`;

/** What a message to the worker says: a job by its id, or what the bucket tells of uploads. */
const Message = z.union([
  z.object({ job: z.uuid() }),
  z.object({ Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })) }),
]);

/** The jobs that a message is about; none for what is no such message (the bucket's test of its queue). */
export const jobsIn = (body: string): string[] => {
  const read = Message.safeParse(JSON.parse(body));
  if (!read.success) return [];
  if ('job' in read.data) return [read.data.job];
  return read.data.Records.map(({ s3: { object } }) => object.key.slice(uploadKey('').length));
};

export interface Bulk {
  objects: Objects;
  read(id: string): Promise<{ job: Job; etag: string } | undefined>;
  /** Writes a job over the version that was read. Undefined: somebody else has. */
  save(id: string, job: Job, etag?: string): Promise<string | undefined>;
  /** Lets the worker go on with a job, after so many seconds. */
  wake(id: string, after_s?: number): Promise<void>;
}

/** The bucket and the queue of this function; undefined where it has none, on somebody's machine. */
export const openBulk = (env: NodeJS.ProcessEnv): Bulk | undefined => {
  const { PERFECT21_BULK_BUCKET: bucket, PERFECT21_BULK_QUEUE: url } = env;
  if (!bucket) return undefined;
  const objects = s3Objects(bucket);
  let queue: Promise<ReturnType<typeof sqsQueue>> | undefined;
  return {
    objects,
    read: async (id) => {
      const found = await objects.get(jobKey(id));
      return found && { job: JSON.parse(found.body.toString()), etag: found.etag };
    },
    save: (id, job, etag) =>
      objects.put(jobKey(id), JSON.stringify(job), etag === undefined ? { absent: true } : { etag }),
    wake: async (id, after_s) => {
      if (!url) throw new Error('PERFECT21_BULK_QUEUE names no queue');
      queue ??= openSqs().then((client) => sqsQueue(client, { url, name: 'bulk' }));
      await (await queue).send(JSON.stringify({ job: id }), after_s);
    },
  };
};
