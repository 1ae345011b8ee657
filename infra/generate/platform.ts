/** The table of operations as generators see it: each with the file and the name that it is exported by. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bridge } from '../../functions/bridge/index.ts';
import { schema as declared, inFunctions, platform } from '../../functions/index.ts';
import { hearConnection } from '../../functions/notifications/hear-connection.ts';
import { leaveConnection } from '../../functions/notifications/leave-connection.ts';
import { openConnection } from '../../functions/notifications/open-connection.ts';
import { getEffective } from '../../functions/permissions/get-effective.ts';
import { authorizeRequest } from '../../functions/sidecar/authorize-request.ts';
import { getAccount } from '../../functions/users/get-account.ts';
import { asking } from '../../shared/doors/lambda/bulk-question.ts';
import { type Operation, streams } from '../../shared/kit/operation.ts';
import type { Service } from '../../shared/kit/service.ts';
import type { Queue } from '../../shared/messaging/queue.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import type { Side } from '../../shared/ports/crossing.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import { ROOT } from './files.ts';

export { platform };

/** The collections by name: their order follows module namespaces, which loaders order differently. */
export const schema: StoreSchema = {
  version: declared.version,
  collections: [...declared.collections].sort((a, b) => (a.name < b.name ? -1 : 1)),
};

/** Where something is exported. */
export interface Located {
  /** From the top of the project. */
  file: string;
  name: string;
}

const folders = (top: string): string[] =>
  readdirSync(join(ROOT, top), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'lambda')
    .map(({ name }) => `${top}/${name}`);

const files = (folder: string): string[] => readdirSync(join(ROOT, folder)).map((file) => `${folder}/${file}`);

// operations stand under functions/, collections there and, those of adapters, in shared/*/*-records.ts
const modules = [
  ...folders('functions').flatMap(files),
  ...folders('shared').flatMap((folder) => files(folder).filter((file) => file.endsWith('-records.ts'))),
].filter((file) => file.endsWith('.ts') && !file.endsWith('/index.ts'));

const exported = new Map<unknown, Located>();
for (const file of modules) {
  for (const [name, value] of Object.entries(await import(join(ROOT, file)))) {
    if (typeof value === 'object' && value !== null && !exported.has(value)) exported.set(value, { file, name });
  }
}

/** Where an operation or a collection is exported. Throws when no file exports it. */
export const locate = (what: { name: string }): Located => {
  const found = exported.get(what);
  if (!found) throw new Error(`no file exports ${what.name}`);
  return found;
};

/**
 * A function of the cloud: one operation behind HTTP, all operations that subscribe to one queue, the default route, or
 * the relay of the outbox.
 */
export interface LambdaFunction {
  /** `<service>-<verb-noun>`; also the name of its entry in functions/lambda/. */
  name: string;
  operations: readonly Operation<any, any>[];
  queue?: string;
  /** It answers what no operation's route takes. */
  fallback?: true;
  /** It brings events from the outbox to the bus. */
  relay?: true;
  /** It says for a gateway in front whether a request may pass. */
  authorizer?: true;
  /** Of the bridge, and where it carries events to. */
  bridge?: Side;
  /** The route of the WebSocket API that invokes it. */
  socket?: '$connect' | '$default' | '$disconnect';
  /** It is asked for the addresses of rows that go through an object: in place of the operation itself. */
  asks?: Operation<any, any>;
  /** It works on such rows. */
  bulk?: true;
  /** Whom it asks what somebody may now. */
  judges?: readonly Operation<any, any>[];
}

const fallback: LambdaFunction = { name: 'platform-routes', operations: [], fallback: true };
/** Publishes what waits in the outbox. */
export const relay: LambdaFunction = { name: 'events-relay', operations: [], relay: true };

/**
 * The operations that functions answer over HTTP. API Gateway carries no streams: an operation that has some names what
 * stands in for them there, and gets no function of its own kind.
 *
 * @throws Error for one that does not say
 */
export const answeredByFunctions = (operations: readonly Operation<any, any>[]): Operation<any, any>[] =>
  operations.filter((op) => {
    if (op.http.length === 0 || !streams(op)) return op.http.length > 0;
    if (!op.elsewhere)
      throw new Error(`${op.name} streams, which API Gateway can't: say \`elsewhere\`, what stands in there`);
    return false;
  });

const nameOf = (op: Operation<any, any>): string => op.name.replace('.', '-');
const everything = platform.flatMap(({ operations }) => operations);

const httpFunctions: LambdaFunction[] = answeredByFunctions(everything).map((op) => ({
  name: nameOf(op),
  operations: [op],
}));

/** The operations whose rows go through an object. */
export const throughObjects: readonly Operation<any, any>[] = everything.filter(
  ({ elsewhere }) => typeof elsewhere === 'object',
);

const askedFunctions: LambdaFunction[] = throughObjects.map((op) => ({
  name: nameOf(op),
  operations: [asking(op, () => undefined)],
  asks: op,
}));

const serviceOf = (op: Operation<any, any>): string => op.name.slice(0, op.name.indexOf('.'));

/** The queue of a service's bulk work. */
export const bulkQueueOf = (op: Operation<any, any>): string => `${serviceOf(op)}.bulk`;

/** One for a service: its operations on rows touch the same. */
export const bulkFunctions: readonly LambdaFunction[] = [...Map.groupBy(throughObjects, serviceOf)].map(
  ([service, operations]) => ({
    name: `${service}-bulk`,
    operations,
    queue: bulkQueueOf(operations[0]!),
    bulk: true,
    judges: [getAccount, getEffective],
  }),
);

/** What functions run: the platform, and what stands in for a process that holds connections. */
export const everywhere: readonly Service[] = [...platform, ...inFunctions];

/** The functions of the WebSocket API, by its routes. */
export const socketFunctions: readonly LambdaFunction[] = [
  { name: nameOf(openConnection), operations: [openConnection], socket: '$connect' },
  { name: nameOf(hearConnection), operations: [hearConnection], socket: '$default' },
  { name: nameOf(leaveConnection), operations: [leaveConnection], socket: '$disconnect' },
];

const subscribers = Map.groupBy(
  // a function is no process that could hear broadcasts
  everywhere.flatMap(({ operations }) => operations).filter(({ subscription }) => subscription?.queue),
  ({ subscription }) => subscription!.queue!,
);

const queueFunctions: LambdaFunction[] = [...subscribers].map(([queue, operations]) => {
  const [service] = operations[0]!.name.split('.');
  const name = operations.length === 1 ? operations[0]!.name.replace('.', '-') : `${service}-on-${queue.split('.')[1]}`;
  return { name: name.replaceAll('_', '-'), operations, queue };
});

/** All functions: those behind HTTP first, the default route last. */
export const lambdaFunctions: readonly LambdaFunction[] = [
  ...httpFunctions,
  ...askedFunctions,
  ...socketFunctions,
  ...queueFunctions,
  ...bulkFunctions,
  relay,
  fallback,
];

/** The bridge's functions, which are deployed only where they are asked for. */
export const bridgeFunctions: readonly LambdaFunction[] = [
  { name: 'bridge-to-eventbridge', operations: bridge.operations, bridge: 'eventbridge' },
  { name: 'bridge-to-rabbitmq', operations: bridge.operations, bridge: 'rabbitmq', queue: 'bridge.to_rabbitmq' },
];

/** A gate in front, which is deployed only where it is asked for. */
export const authorizerFunction: LambdaFunction = {
  name: 'sidecar-authorizer',
  operations: [authorizeRequest],
  authorizer: true,
};

/** The queues that functions consume, with all bindings of their operations. */
export const consumedQueues: readonly Pick<Queue, 'name' | 'bindings' | 'handlers'>[] = topologyOf(everywhere).queues;
