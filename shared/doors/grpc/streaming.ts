/** Calls whose rows come or go one by one: server, client and both ways. A message is a row. */
import {
  Metadata,
  type MetadataValue,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { Codec } from '../../grpc/codec.ts';
import { callAttributes } from '../../grpc/spans.ts';
import { toStatus } from '../../grpc/status.ts';
import { ANONYMOUS, type Caller } from '../../kit/context.ts';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { serviceOf } from '../../kit/service-name.ts';
import { isStream, RowFault, rowTooLong, type Stream } from '../../kit/stream.ts';
import { continueTrace } from '../../kit/trace.ts';
import { requestIdOf } from '../binding/binding.ts';
import { Life } from '../binding/life.ts';
import { pull } from '../binding/pull.ts';
import { ipOf, isLoopback, presented, serviceCaller } from './access.ts';
import { type CallRules, contextOf, first, logFailure } from './call.ts';
import { endCall, reporter } from './observation.ts';

type Call = ServerDuplexStream<Buffer, Buffer> &
  ServerReadableStream<Buffer, Buffer> &
  ServerWritableStream<Buffer, Buffer>;
type Respond = (failed: ReturnType<typeof toStatus> | null, message?: Buffer | null) => void;

async function* rowsOf(call: Call, codec: Codec, { limit }: Stream, life: Life): AsyncGenerator<unknown> {
  for await (const bytes of pull<Buffer>(call, life)) {
    try {
      if (bytes.length > limit) throw rowTooLong(limit);
      yield codec.decode(bytes);
    } catch (thrown) {
      yield new RowFault(toAppError(thrown));
    }
  }
}

const send = async (call: Call, rows: AsyncIterator<unknown>, codec: Codec, life: Life): Promise<void> => {
  try {
    for (;;) {
      const { done, value } = await life.until(rows.next());
      if (done) return;
      life.moved();
      if (call.write(codec.encode(value))) continue;
      await life.until(new Promise<void>((resolve) => call.once('drain', resolve)));
      life.moved();
    }
  } finally {
    // not waited for: an operation that is stuck ends when it gets loose
    rows.return?.().catch(() => {});
  }
};

/**
 * A handler of grpc-js for an operation that streams. Never throws; requests and answers are bytes.
 *
 * @param path of the method, for the metrics
 */
export const streaming = (host: Host, op: Operation<any, any>, path: string, codec: Codec, rules: CallRules) => {
  const report = reporter(host.ports, serviceOf(op), path);

  const callerOf = async (call: Call): Promise<{ caller: Caller; bearer?: string }> => {
    if (rules.open) return { caller: ANONYMOUS, bearer: presented(call) };
    if (rules.openOnLoopback && isLoopback(ipOf(call.getPeer()))) return { caller: ANONYMOUS };
    const { caller, bearer } = await serviceCaller(host.ports, call, rules.identities);
    rules.admit?.(caller);
    return { caller, ...(bearer && { bearer }) };
  };
  const inputOf = (call: Call, into: Stream | undefined, life: Life): unknown => {
    if (into) return { rows: rowsOf(call, codec, into, life), parameters: rules.parameters?.(call.metadata) };
    if (call.request.length > rules.limit) {
      throw new AppError('payload_too_large', { detail: `At most ${rules.limit} bytes` });
    }
    return codec.decode(call.request);
  };

  return (call: Call, respond?: Respond): void => {
    const started = performance.now();
    const [into, out] = [op.input, op.output].map((each) => (isStream(each) ? each : undefined));
    const { metadata } = call;
    const requestId = requestIdOf(first(metadata, 'x-request-id'), host.ports.ids.uuid);
    const method = path.slice(1);
    const traceparent = first(metadata, 'traceparent');
    const span = host.ports.tracer?.start(method, 'server', traceparent, callAttributes(method));
    const trace = span?.trace ?? continueTrace(traceparent);
    const life = new Life(Math.max(into?.idle ?? 0, out?.idle ?? 0));
    call.on('cancelled', () => life.gone());
    const headers = new Metadata();
    headers.set('x-request-id', requestId as MetadataValue);
    call.sendMetadata(headers);
    let stage: 'credentials' | undefined = 'credentials';

    const serve = async (): Promise<void> => {
      const { caller, bearer } = await life.until(callerOf(call));
      stage = undefined;
      const known = { request_id: requestId, trace, caller, bearer, signal: life.signal };
      const context = contextOf(call, rules, known);
      const output = await life.until(invoke(host, op, inputOf(call, into, life), context));
      if (out) {
        await send(call, (output as AsyncIterable<unknown>)[Symbol.asyncIterator](), codec, life);
        call.end();
      } else respond!(null, codec.encode(output));
    };
    const finish = (code: status): void => {
      life.done();
      report(code, started, trace);
      if (span) endCall(span, code);
    };
    serve().then(
      () => finish(status.OK),
      (thrown) => {
        const error = toAppError(thrown);
        if (ERRORS[error.code].http >= 500) logFailure(host, op, error, { request_id: requestId, trace });
        const failed = toStatus(error, stage);
        if (respond) respond(failed);
        else call.emit('error', failed);
        finish(failed.code as status);
      },
    );
  };
};
