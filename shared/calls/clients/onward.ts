/** What a call hands on that is made for another one: until when somebody waits, whether he still does, and of which trace it is. */
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { CallOptions } from './methods.ts';

const text = (value: string | Buffer | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/**
 * The options of a call that a gRPC server of grpc-js makes for one that it was asked.
 *
 * @example const answer = await perfect21.auth.validateToken({ token }, onward(call));
 */
export const onward = (
  call: Pick<ServerUnaryCall<unknown, unknown>, 'getDeadline' | 'metadata' | 'on' | 'cancelled'>,
): CallOptions => {
  const deadline = Number(call.getDeadline());
  const ended = new AbortController();
  if (call.cancelled) ended.abort();
  call.on('cancelled', () => ended.abort());
  const [traceparent, request_id] = ['traceparent', 'x-request-id'].map((name) => text(call.metadata.get(name)[0]));
  return {
    signal: ended.signal,
    ...(Number.isFinite(deadline) && { deadline }),
    ...(traceparent && { traceparent }),
    ...(request_id && { request_id }),
  };
};
