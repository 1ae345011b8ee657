/** `grpc.reflection.v1` and `v1alpha`, from the committed descriptors: the proto files keep their names. */
import { readFileSync } from 'node:fs';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { filesAnswering } from './descriptors.ts';

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
  const descriptors = { fileDescriptorProtos: filesAnswering(readFileSync(DESCRIPTORS), answers) };
  const root = { descriptors } as unknown as ConstructorParameters<typeof ReflectionService>[0];
  const services = [...new Set([...methods].map(serviceOf)), ...COMMON];
  new ReflectionService(root, { services }).addToServer(server);
};
