/** One unary call: bytes in, access, operation, bytes or status out. */
import { type handleUnaryCall, Metadata, status } from '@grpc/grpc-js';
import type { Codec } from '../../grpc/codec.ts';
import { AUDITED } from '../../grpc/internal.ts';
import { callAttributes } from '../../grpc/spans.ts';
import { toStatus } from '../../grpc/status.ts';
import { ANONYMOUS, type Caller, type Context } from '../../kit/context.ts';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { serviceOf } from '../../kit/service-name.ts';
import { continueTrace } from '../../kit/trace.ts';
import { requestIdOf } from '../binding/binding.ts';
import { ipOf, isLoopback, presented, serviceCaller } from './access.ts';
import { type CallRules, contextOf, first, logFailure } from './call.ts';
import { endCall, reporter } from './observation.ts';
import { ThinCall } from './thin.ts';

/** Says what stands before the answer. Metadata of grpc-js checks and copies each field, which the short way does without. */
const begin = (call: Parameters<handleUnaryCall<Buffer, Buffer>>[0], fields: Record<string, string>): void => {
  if ((call as object) instanceof ThinCall) (call as unknown as ThinCall).begin(fields);
  else {
    const headers = new Metadata();
    for (const name in fields) headers.set(name, fields[name]!);
    call.sendMetadata(headers);
  }
};

/**
 * A handler of grpc-js for an operation. Never throws; requests and answers are bytes.
 *
 * @param path of the method, for the metrics
 */
export const unary = (
  host: Host,
  op: Operation<any, any>,
  path: string,
  codec: Codec,
  rules: CallRules,
): handleUnaryCall<Buffer, Buffer> => {
  const report = reporter(host.ports, serviceOf(op), path);
  return (call, respond) => {
    const started = performance.now();
    const { metadata } = call;
    const requestId = requestIdOf(first(metadata, 'x-request-id'), host.ports.ids.uuid);
    const span = host.ports.tracer?.start(
      path.slice(1),
      'server',
      first(metadata, 'traceparent'),
      callAttributes(path.slice(1)),
    );
    const trace = span?.trace ?? continueTrace(first(metadata, 'traceparent'));
    const ip = ipOf(call.getPeer());
    let stage: 'credentials' | undefined;
    let note: Context['audit'];

    const answer = (message: Buffer | null, failed?: ReturnType<typeof toStatus>) => {
      begin(call, { 'x-request-id': requestId, ...(note?.written && { [AUDITED]: '1' }) });
      respond(failed ?? null, message);
      const code = failed?.code ?? status.OK;
      report(code, started, trace);
      if (span) endCall(span, code);
    };
    const fail = (thrown: unknown) => {
      let error = toAppError(thrown);
      try {
        const message = stage ? undefined : codec.failure?.(error.code);
        if (message) return answer(message);
      } catch (cause) {
        error = new AppError('internal', { cause });
      }
      if (ERRORS[error.code].http >= 500) logFailure(host, op, error, { request_id: requestId, trace });
      answer(null, toStatus(error, stage));
    };
    const run = (caller: Caller, bearer?: string): Promise<void> | void => {
      // nobody waits any more
      if (call.cancelled) return void (span && endCall(span, status.CANCELLED));
      const context = contextOf(call, rules, { request_id: requestId, trace, caller, bearer });
      note = context.audit;
      return invoke(host, op, codec.decode(call.request), context).then((output) => answer(codec.encode(output)));
    };
    const start = (): Promise<void> | void => {
      if (call.request.length > rules.limit) {
        throw new AppError('payload_too_large', { detail: `At most ${rules.limit} bytes` });
      }
      if (rules.open) return run(ANONYMOUS, presented(call));
      if (rules.openOnLoopback && isLoopback(ip)) {
        if (metadata.get('authorization').length === 0) return run(ANONYMOUS);
        // none is asked for, so one that does not hold is no worse than none
        const anyone = (): { caller: Caller; bearer?: string } => ({ caller: ANONYMOUS });
        return serviceCaller(host.ports, call, rules.identities)
          .catch(anyone)
          .then(({ caller, bearer }) => run(caller, bearer));
      }
      stage = 'credentials';
      return serviceCaller(host.ports, call, rules.identities).then(({ caller, bearer }) => {
        rules.admit?.(caller);
        stage = undefined;
        return run(caller, bearer);
      });
    };

    try {
      start()?.catch(fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
};
