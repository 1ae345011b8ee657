/** Calls operations of the platform from a command, with the platform's own rights, on the store that it opened. */
import { callLocal, type Host, invoke } from '../../shared/kit/invoke.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import type { Operator } from './operator.ts';

/** Whoever may start the command on this store may do everything; the audit log calls him so. */
const OPERATOR = { kind: 'service', name: 'operator', permissions: ['*:*:*'] } as const;

/** @example const call = callerOf(operator); const { services } = await call(listServices, {}); */
export const callerOf =
  (operator: Operator) =>
  async (op: Operation<any, any>, input: object): Promise<any> => {
    const ports = await operator.portsOf(op);
    const host: Host = { ports, call: (callee, given, context) => callLocal(host, callee, given, context) };
    const request_id = ports.ids.uuid();
    // what others reach by a door is told by the kit; an operator calls what no door brings, too
    const told = () => ({
      ...{ action: op.name, actor: OPERATOR.name, actor_kind: OPERATOR.kind },
      ...{ request_id, ip_address: '', user_agent: '' },
    });
    const inner = op.http.length + op.rpc.length === 0;
    return invoke(host, op, input, {
      ...(inner && { audit: { told, only_events: false, written: false } }),
      request_id,
      trace: continueTrace(),
      caller: OPERATOR,
      client: {},
      door: 'local',
    });
  };
