/** Ready-made services (health, reflection) behind the same door: their calls need the credentials that ours need. */
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ClientIdentities } from '../../grpc/identities.ts';
import { toStatus } from '../../grpc/status.ts';
import { AppError, toAppError } from '../../kit/errors.ts';
import type { Ports } from '../../ports/index.ts';
import { type AnyCall, ipOf, isLoopback, serviceCaller } from './access.ts';

type Stream = AnyCall & {
  emit(event: string, ...values: unknown[]): boolean;
  on(event: string, listener: () => void): void;
};
type Respond = (error: unknown) => void;

export interface Guard {
  /** Stands in for the server in `addToServer`. */
  readonly server: Server;
  /** Ends the streams that are open, as `unavailable`. */
  close(): void;
}

/** Wraps a server so that every method added through it asks for credentials, unless the peer is this machine, or `anybody` may. */
export const guard = (
  server: Server,
  ports: Pick<Ports, 'verifier' | 'serviceTokens'>,
  identities: ClientIdentities,
  anybody = false,
): Guard => {
  const open = new Set<Stream>();
  const behind =
    (method: (call: any, respond: any) => unknown) =>
    (call: Stream, respond?: Respond): void => {
      const refuse = (thrown: unknown) => {
        const status = toStatus(toAppError(thrown), 'credentials');
        if (respond) respond(status);
        else call.emit('error', status);
      };
      const pass = () => {
        if (!respond) {
          open.add(call);
          for (const end of ['cancelled', 'finish', 'error']) call.on(end, () => open.delete(call));
        }
        method(call, respond);
      };
      if (anybody || isLoopback(ipOf(call.getPeer()))) pass();
      else serviceCaller(ports, call, identities).then(pass).catch(refuse);
    };
  return {
    server: {
      addService: (definition: ServiceDefinition, methods: UntypedServiceImplementation) =>
        server.addService(
          definition,
          Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, behind(method as any)])),
        ),
    } as unknown as Server,
    close: () => {
      for (const call of [...open]) {
        call.emit('error', toStatus(new AppError('unavailable', { detail: 'The server is stopping' })));
      }
    },
  };
};
