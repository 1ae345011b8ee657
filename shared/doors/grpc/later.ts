/** Ready-made services whose library is loaded with their first call: a start does without it. */
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

/** What a library adds to a server. */
export interface Added {
  definition: ServiceDefinition;
  methods: UntypedServiceImplementation;
}

/** Notes what a library adds, in place of a server. @example added((server) => health.addToServer(server)) */
export const added = (add: (server: Server) => void): Added[] => {
  const all: Added[] = [];
  const addService = (definition: ServiceDefinition, methods: UntypedServiceImplementation): void =>
    void all.push({ definition, methods });
  add({ addService } as unknown as Server);
  return all;
};

const INTERNAL = 13;

interface Kind {
  requestStream: boolean;
  responseStream: boolean;
}

export const UNARY: Kind = { requestStream: false, responseStream: false };
export const SERVER_STREAM: Kind = { requestStream: false, responseStream: true };
export const BIDI: Kind = { requestStream: true, responseStream: true };

/**
 * Serves methods of which only the names are known.
 *
 * @param methods by name: what kind each is
 * @param load called once, with the first call
 */
export const serveLater = (
  server: Server,
  service: string,
  methods: Readonly<Record<string, Kind>>,
  load: () => Promise<readonly Added[]>,
): void => {
  let found: Added | undefined;
  let loading: Promise<Added> | undefined;
  const loaded = (): Promise<Added> => {
    loading ??= load().then((all) => {
      found = all.find(({ definition }) => Object.values(definition)[0]!.path.startsWith(`/${service}/`))!;
      return found;
    });
    return loading;
  };
  const one = (name: string, kind: Kind) => {
    const bytes = (value: any): any => value;
    const path = `/${service}/${name}`;
    return {
      path,
      ...kind,
      requestSerialize: bytes,
      responseDeserialize: bytes,
      // of a stream nothing is read before its handler asks
      requestDeserialize: (buffer: Buffer) => (found ? found.definition[name]!.requestDeserialize(buffer) : buffer),
      responseSerialize: (value: unknown) => found!.definition[name]!.responseSerialize(value),
    };
  };
  const handle = (name: string) => (call: any, respond?: any) => {
    const run = ({ definition, methods: handlers }: Added): void => {
      const { originalName = name, requestDeserialize } = definition[name]!;
      if (Buffer.isBuffer(call.request)) call.request = requestDeserialize(call.request);
      (handlers[name] ?? (handlers[originalName] as any))(call, respond);
    };
    const fail = (cause: Error): void => {
      const status = { code: INTERNAL, details: cause.message };
      if (respond) respond(status);
      else call.emit('error', status);
    };
    void (found ? Promise.resolve(found) : loaded()).then(run).catch(fail);
  };
  server.addService(
    Object.fromEntries(Object.entries(methods).map(([name, kind]) => [name, one(name, kind)])) as ServiceDefinition,
    Object.fromEntries(Object.keys(methods).map((name) => [name, handle(name)])),
  );
};
