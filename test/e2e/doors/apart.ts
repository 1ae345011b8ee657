/** Doors of services that run apart: each call goes to the process that has its operation. */
import { SERVICE_NAMES, type ServiceName } from '../../../shared/config/services.ts';
import type { Operation } from '../../../shared/kit/operation.ts';
import type { Door } from '../world.ts';
import { grpcDoor } from './grpc.ts';
import { http1Door, http2Door } from './http.ts';

type Opened = Door & { close?(): unknown };
interface Ports {
  http: number;
  grpc: number;
}

const byService = (name: string, doorOf: (service: ServiceName) => Opened): Opened => {
  const doors = new Map(SERVICE_NAMES.map((service) => [service, doorOf(service)]));
  const doorFor = ({ name: operation }: Operation<any, any>) => doors.get(operation.split('.')[0] as ServiceName)!;
  return {
    name,
    call: (op, input, options) => doorFor(op).call(op, input, options),
    close: () => Promise.all([...doors.values()].map((door) => door.close?.())),
  };
};

/** REST through the one address of all, as through a gateway. */
export const frontDoor = (url: string): Opened => http1Door(url);

export const http2Doors = (services: Readonly<Record<ServiceName, Ports>>): Opened =>
  byService('HTTP/2', (service) => http2Door(`http://127.0.0.1:${services[service].http}`));

/** gRPC, and REST for what has no RPC. */
export const grpcDoors = (services: Readonly<Record<ServiceName, Ports>>): Opened =>
  byService('gRPC', (service) => {
    const { grpc, http } = services[service];
    return grpcDoor(grpc, http1Door(`http://127.0.0.1:${http}`));
  });
