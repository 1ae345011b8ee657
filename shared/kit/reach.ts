/** What operations touch, which follows from what they declare: the generator and the process go by it. */
import type { PortName } from '../ports/index.ts';
import { auditLines } from './audit-records.ts';
import { callCounts } from './bound-records.ts';
import { BOUND_PORTS } from './bounds.ts';
import type { Operation } from './operation.ts';

export interface Reached {
  ports: Set<PortName>;
  reads: Set<string>;
  writes: Set<string>;
  /** Only added to. */
  appends: Set<string>;
  queries: Set<string>;
  emits: boolean;
}

/**
 * Everything an operation may touch, its callees included: what the generator turns into IAM statements and environment.
 * Callees that are not `here` touch what they do elsewhere.
 */
export const reach = (
  op: Operation<any, any>,
  here: (callee: Operation<any, any>) => boolean = () => true,
): Reached => {
  const total = {
    ports: new Set<PortName>(),
    reads: new Set<string>(),
    writes: new Set<string>(),
    appends: new Set<string>(),
    queries: new Set<string>(),
    emits: false,
  };
  const visited = new Set<Operation<any, any>>();
  const visit = (current: Operation<any, any>): void => {
    if (visited.has(current)) return;
    visited.add(current);
    for (const port of current.needs) total.ports.add(port);
    for (const { name } of current.reads) total.reads.add(name);
    for (const { name } of current.writes) total.writes.add(name);
    for (const name of current.queries) total.queries.add(name);
    if (current.emits.length) total.emits = true;
    if (current.reads.length || current.writes.length || current.emits.length) total.ports.add('store');
    for (const callee of Object.values(current.calls)) if (here(callee)) visit(callee);
  };
  visit(op);
  // what is changed, and who is refused, stands in the audit log
  const asked = op.http.length > 0 || op.rpc.length > 0;
  if (asked && total.ports.has('store')) total.appends.add(auditLines.name);
  // of what a door brings; callees are called by services, which have no bounds
  if (op.bounds) {
    for (const port of BOUND_PORTS) total.ports.add(port);
    total.reads.add(callCounts.name);
    total.writes.add(callCounts.name);
  }
  return total;
};

/** Every port that a host of this operation opens: what it reaches, what every door uses, and what tells who calls. */
export const hostPorts = (
  op: Operation<any, any>,
  here?: (callee: Operation<any, any>) => boolean,
  access = op.access,
): ReadonlySet<PortName> => {
  const ports = reach(op, here).ports.add('clock').add('ids').add('log');
  return access === 'public' ? ports : ports.add('verifier').add('serviceTokens');
};
