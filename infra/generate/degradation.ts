/** The rows of what is answered while something is away, and the page that tells them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dependency, type Effect, SPECIAL, STALE_S } from '../../functions/degradation.ts';
import { isPermission } from '../../shared/kit/access.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { reach } from '../../shared/kit/reach.ts';
import type { Service } from '../../shared/kit/service.ts';
import { serviceName } from '../../shared/kit/service-name.ts';
import type { PortName } from '../../shared/ports/index.ts';
import { type Generator, ROOT } from './files.ts';
import { withPart } from './markers.ts';
import { locate, platform } from './platform.ts';

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

const NAMES: Partial<Record<Dependency, string>> = {
  feed: 'feed of revocations',
  standing: 'permission-service, about the caller',
  keys: 'KMS',
  mailer: 'mail provider',
  sms: 'SMS provider',
  push: 'push provider',
};

const REFUSED = '503 with Retry-After, nothing has changed';
const AGAIN = 'its event is brought again';

/** An effect in words. */
const words = (effect: Effect): string => {
  switch (effect.answer) {
    case 'usual':
      return `answers as ever: ${effect.why}`;
    case 'stale':
      return `answers as ever for ${effect.seconds} s, then ${REFUSED}`;
    case 'without':
      return `answers without ${effect.part}${effect.warning ? `, with the warning \`${effect.warning}\`` : ''}`;
    case 'later':
      return `answers as ever; later: ${effect.what}${effect.by ? ` (\`${effect.by}\`)` : ''}`;
    case 'refused':
      return effect.only ? `${REFUSED}, if ${effect.only}; else answers as ever` : REFUSED;
    case 'again':
      return effect.only ? `${AGAIN}, if ${effect.only}; else is handled as ever` : AGAIN;
  }
};

const section = (service: Service): string => {
  let last: AnyOperation | undefined;
  const lines = rowsOf(service).map(({ op, dependency, effect }) => {
    const name = op === last ? '' : `[${op.name}](../${locate(op).file})`;
    last = op;
    return `| ${name} | ${NAMES[dependency] ?? serviceName(dependency)} | ${words(effect)} |`;
  });
  return [`## ${serviceName(service.name)}`, '', '| operation | without | |', '|---|---|---|', ...lines].join('\n');
};

const PATH = 'docs/degradation.md';

export const degradationPage: Generator = {
  generate: () => {
    const page = readFileSync(join(ROOT, PATH), 'utf8');
    return [{ path: PATH, content: withPart(page, 'degradation', platform.map(section).join('\n\n'), PATH) }];
  },
};
