/** One call over one connection: whether there is one, and what is sent and comes back. */
import { type Client, connectivityState, type Metadata } from '@grpc/grpc-js';
import { fromJson } from '../grpc/internal.ts';
import { fromStatus } from '../grpc/status.ts';
import { AppError } from '../kit/errors.ts';

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

/** Sends a request and gives the answer. @throws AppError as the callee threw it; `internal` for an answer that is no JSON */
export const send = (
  client: Client,
  path: string,
  body: Buffer,
  metadata: Metadata,
  deadline: number,
  headers: (metadata: Metadata) => void = () => {},
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const bytes = (buffer: Buffer) => buffer;
    const call = client.makeUnaryRequest(path, bytes, bytes, body, metadata, { deadline }, (error, answer) => {
      if (error) return reject(fromStatus(error));
      try {
        resolve(answer && fromJson(answer));
      } catch (cause) {
        reject(new AppError('internal', { cause }));
      }
    });
    call.on('metadata', headers);
  });
