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
import { ThinCall } from './thin-call.ts';

/** Says what stands before the answer. Metadata of grpc-js checks and copies each field, which the short way does without. */
const begin = (call: Call, fields: Record<string, string>): void => {
  if ((call as object) instanceof ThinCall) (call as unknown as ThinCall).begin(fields);
  else {
    const headers = new Metadata();
    for (const name in fields) headers.set(name, fields[name]!);
    call.sendMetadata(headers);
  }
};

type Call = Parameters<handleUnaryCall<Buffer, Buffer>>[0];
type Respond = (failed: ReturnType<typeof toStatus> | null, message: Buffer | null) => void;

interface Known {
  caller: Caller;
  bearer?: string;
}
const NOBODY: Known = { caller: ANONYMOUS };

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
  // none is asked for, so one that does not hold is no worse than none
  const anybody = (call: Call): Known | Promise<Known> =>
    call.metadata.get('authorization').length === 0
      ? NOBODY
      : serviceCaller(host.ports, call, rules.identities).catch(() => NOBODY);

  const serve = async (call: Call, respond: Respond): Promise<void> => {
    const started = performance.now();
    const { metadata } = call;
    const request_id = requestIdOf(first(metadata, 'x-request-id'), host.ports.ids.uuid);
    const traceparent = first(metadata, 'traceparent');
    const span = host.ports.tracer?.start(path.slice(1), 'server', traceparent, callAttributes(path.slice(1)));
    const trace = span?.trace ?? continueTrace(traceparent);
    let stage: 'credentials' | undefined;
    let note: Context['audit'];
    let message: Buffer | null = null;
    let failed: ReturnType<typeof toStatus> | null = null;
    try {
      if (call.request.length > rules.limit)
        throw new AppError('payload_too_large', { detail: `At most ${rules.limit} bytes` });
      let known: Known | Promise<Known>;
      if (rules.open) known = { caller: ANONYMOUS, bearer: presented(call) };
      else if (rules.openOnLoopback && isLoopback(ipOf(call.getPeer()))) known = anybody(call);
      else {
        stage = 'credentials';
        known = await serviceCaller(host.ports, call, rules.identities);
        rules.admit?.(known.caller);
        stage = undefined;
      }
      const { caller, bearer } = known instanceof Promise ? await known : known;
      // nobody waits any more
      if (call.cancelled) return void (span && endCall(span, status.CANCELLED));
      const context = contextOf(call, rules, { request_id, trace, caller, bearer });
      note = context.audit;
      message = codec.encode(await invoke(host, op, codec.decode(call.request), context));
    } catch (thrown) {
      let error = toAppError(thrown);
      try {
        message = (!stage && codec.failure?.(error.code)) || null;
      } catch (cause) {
        error = new AppError('internal', { cause });
      }
      if (!message) {
        if (ERRORS[error.code].http >= 500) logFailure(host, op, error, { request_id, trace });
        failed = toStatus(error, stage);
      }
    }
    begin(call, note?.written ? { 'x-request-id': request_id, [AUDITED]: '1' } : { 'x-request-id': request_id });
    respond(failed, message);
    const code = failed?.code ?? status.OK;
    report(code, started, trace);
    if (span) endCall(span, code);
  };
  return (call, respond) => void serve(call, respond as Respond);
};
