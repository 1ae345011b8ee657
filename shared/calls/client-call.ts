/** One call over one connection: whether there is one, and what is sent and comes back. */
import { type Client, connectivityState, type Metadata } from '@grpc/grpc-js';
import { fromJson } from '../grpc/internal.ts';
import { ForeignStatus, fromStatus } from '../grpc/status.ts';
import { AppError, toAppError } from '../kit/errors.ts';

/** Whether there is a connection, or one can be made before `until` (unix ms). No: nothing was sent. */
export const connected = (client: Client, until: number): Promise<boolean> =>
  new Promise((resolve) => {
    const channel = client.getChannel();
    const look = () => {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) resolve(true);
      else if (state === connectivityState.IDLE || state === connectivityState.CONNECTING) {
        channel.watchConnectivityState(state, until, (error) => (error ? resolve(false) : look()));
      } else resolve(false);
    };
    look();
  });

/** Whoever answers nothing for so long is at fault, ms; a shorter deadline says more about the caller. */
const PATIENCE_MS = 1_000;

/** Whether a failure tells of a broken connection or peer, and not of the request. */
export const isBroken = (thrown: unknown): boolean => {
  const { cause } = toAppError(thrown);
  return cause instanceof ForeignStatus && cause.broken;
};

/** Judges, for a call that begins now, whether a failure is the instance's fault; undefined when that can't be told. */
export const blame = (gone?: AbortSignal): ((thrown: unknown) => boolean | undefined) => {
  const started = performance.now();
  return (thrown) => {
    if (gone?.aborted) return undefined;
    const { code } = toAppError(thrown);
    if (code !== 'deadline_exceeded') return code === 'unavailable' || isBroken(thrown);
    return performance.now() - started >= PATIENCE_MS || undefined;
  };
};

export interface Sending<Request, Answer> {
  path: string;
  serialize(request: Request): Buffer;
  deserialize(answer: Buffer): Answer;
  metadata: Metadata;
  /** Unix ms of the machine. */
  deadline: number;
  /** Hears the header fields of the answer. */
  headers?: (metadata: Metadata) => void;
  /** Gives the call up. */
  signal?: AbortSignal;
}

/** Sends a request and gives the answer. @throws AppError as the callee threw it; `internal` for an answer that can't be read */
export const unary = <Request, Answer>(
  client: Client,
  request: Request,
  { path, serialize, deserialize, metadata, deadline, headers, signal }: Sending<Request, Answer>,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const bytes = (buffer: Buffer) => buffer;
    const call = client.makeUnaryRequest(path, serialize, bytes, request, metadata, { deadline }, (error, answer) => {
      signal?.removeEventListener('abort', cancel);
      if (error) return reject(signal?.aborted ? new AppError('cancelled') : fromStatus(error));
      try {
        resolve(deserialize(answer!));
      } catch (cause) {
        reject(new AppError('internal', { cause }));
      }
    });
    const cancel = (): void => call.cancel();
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    if (headers) call.on('metadata', headers);
  });

/** Sends JSON and gives the JSON of the answer, as services do among themselves. @throws AppError as `unary` does */
export const send = (
  client: Client,
  path: string,
  body: Buffer,
  metadata: Metadata,
  deadline: number,
  headers?: (metadata: Metadata) => void,
): Promise<unknown> =>
  unary(client, body, { path, serialize: (bytes) => bytes, deserialize: fromJson, metadata, deadline, headers });
