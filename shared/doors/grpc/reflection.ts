/** `grpc.reflection.v1` and `v1alpha`, from the committed descriptors: the proto files keep their names. */
import { readFileSync } from 'node:fs';
import type { Server } from '@grpc/grpc-js';
import type { ReflectionService } from '@grpc/reflection';
import { filesAnswering } from './descriptors.ts';
import { added, BIDI, serveLater } from './later.ts';

const DESCRIPTORS = new URL('../../../proto/gen/descriptors.binpb', import.meta.url);

/** Services that every server offers. */
const COMMON = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

/**
 * Serves reflection on a server.
 *
 * @param methods of proto/ that it answers, `package.Service/Method`; nothing else is told of, but for health and
 * reflection themselves
 */
export const serveReflection = (server: Server, methods: ReadonlySet<string>): void => {
  const serviceOf = (method: string): string => method.slice(0, method.indexOf('/'));
  const answers = (method: string): boolean => methods.has(method) || COMMON.includes(serviceOf(method));
  const load = async () => {
    const library = await import('@grpc/reflection');
    const descriptors = { fileDescriptorProtos: filesAnswering(readFileSync(DESCRIPTORS), answers) };
    const root = { descriptors } as unknown as ConstructorParameters<typeof ReflectionService>[0];
    const services = [...new Set([...methods].map(serviceOf)), ...COMMON];
    return added((taker) => new library.ReflectionService(root, { services }).addToServer(taker));
  };
  // most processes are never asked; the descriptors are parsed once for both versions
  let loaded: ReturnType<typeof load> | undefined;
  const once = () => {
    loaded ??= load();
    return loaded;
  };
  for (const version of ['v1', 'v1alpha']) {
    serveLater(server, `grpc.reflection.${version}.ServerReflection`, { ServerReflectionInfo: BIDI }, once);
  }
};
