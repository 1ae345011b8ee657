/** What is answered while something is away: a row for each operation and each thing that it depends on. */
import { type Dependency, type Effect, SPECIAL, STALE_S } from '../../functions/degradation.ts';
import { isPermission } from '../../shared/kit/access.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { reach } from '../../shared/kit/reach.ts';
import type { Service } from '../../shared/kit/service.ts';
import type { PortName } from '../../shared/ports/index.ts';
import { platform } from './platform.ts';

type AnyOperation = Operation<any, any>;

export interface Row {
  op: AnyOperation;
  dependency: Dependency;
  effect: Effect;
}

const serviceOf = ({ name }: AnyOperation): string => name.slice(0, name.indexOf('.'));

/** The other services that it calls, and those that these call for it. */
const calledBy = (op: AnyOperation): Set<Dependency> => {
  const services = new Set<Dependency>();
  const visited = new Set<AnyOperation>();
  const visit = (current: AnyOperation): void => {
    if (visited.has(current)) return;
    visited.add(current);
    services.add(serviceOf(current) as Dependency);
    for (const callee of Object.values(current.calls)) visit(callee as AnyOperation);
  };
  visit(op);
  services.delete(serviceOf(op) as Dependency);
  return services;
};

/** True for what somebody outside asks for. */
const isAsked = ({ http, rpc }: AnyOperation): boolean => http.length > 0 || rpc.length > 0;

/** What follows from what it declares. */
export const derived = (op: AnyOperation): [Dependency, Effect][] => {
  const { ports, emits } = reach(op);
  const refused: Effect = op.subscription ? { answer: 'again' } : { answer: 'refused' };
  const accesses = typeof op.access === 'string' ? [op.access] : op.access;
  const shown = isAsked(op) && !accesses.includes('public');
  const verifies = ports.has('verifier') || shown;
  const rows: [Dependency, Effect][] = [...calledBy(op)].map((service) => [service, refused]);
  if (ports.has('store')) rows.push(['store', refused]);
  if (op.subscription) rows.push(['bus', { answer: 'later', what: 'all of it: its events wait' }]);
  else if (emits) rows.push(['bus', { answer: 'later', what: 'what follows from its events' }]);
  if (verifies) rows.push(['feed', { answer: 'stale', seconds: STALE_S }]);
  if (isAsked(op) && serviceOf(op) !== 'permissions' && accesses.some(isPermission))
    rows.push(['standing', { answer: 'refused', only: 'a token older than the last change of permissions is shown' }]);
  if (ports.has('tokens') || ports.has('signer') || ports.has('vault')) rows.push(['keys', refused]);
  else if (verifies || ports.has('keys'))
    rows.push(['keys', { answer: 'usual', why: 'the public keys are held since the start' }]);
  for (const provider of ['mailer', 'sms', 'push'] as const) if (ports.has(provider)) rows.push([provider, refused]);
  return rows;
};

/** Ports that are there as long as the process is: made of its code, secrets and memory. */
const OWN: readonly PortName[] = [
  ...([
    'clientAssertions',
    'clientMarks',
    'clock',
    'conditions',
    'ids',
    'log',
    'metrics',
    'passwords',
    'places',
  ] as const),
  ...([
    'policyScopes',
    'pushKey',
    'realtime',
    'revocationNews',
    'revocations',
    'sealer',
    'secrets',
    'settings',
  ] as const),
];
/** Ports that rows are made of; service tokens are looked up in the store. */
const OUTSIDE: readonly PortName[] = [
  ...(['keys', 'mailer', 'push', 'serviceTokens', 'signer', 'sms', 'store', 'tokens', 'vault', 'verifier'] as const),
];

/** Ports of an operation of which nobody has said what happens without them. */
export const unknownPorts = (op: AnyOperation): PortName[] =>
  op.needs.filter((port: PortName) => !OWN.includes(port) && !OUTSIDE.includes(port));

/** What a service has rows for: each operation, and each thing that it depends on. */
export const rowsOf = ({ operations }: Pick<Service, 'operations'>): Row[] =>
  operations.flatMap((op) =>
    derived(op).map(([dependency, effect]) => ({
      op,
      dependency,
      effect: SPECIAL[op.name]?.[dependency] ?? effect,
    })),
  );

/** All rows. */
export const degradation = (): Row[] => platform.flatMap(rowsOf);
