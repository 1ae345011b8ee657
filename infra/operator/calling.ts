/** Calls operations of the platform from a command, with the platform's own rights, on the store that it opened. */
import { callLocal, type Host } from '../../shared/kit/invoke.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import type { Operator } from './operator.ts';

/** @example const call = callerOf(operator); const { services } = await call(listServices, {}); */
export const callerOf =
  (operator: Operator) =>
  async (op: Operation<any, any>, input: object): Promise<any> => {
    const ports = await operator.portsOf(op);
    const host: Host = { ports, call: (callee, given, context) => callLocal(host, callee, given, context) };
    return callLocal(host, op, input, {
      request_id: ports.ids.uuid(),
      trace: continueTrace(),
      caller: { kind: 'anonymous' },
      client: {},
      door: 'local',
    });
  };
