/** `grpc.reflection.v1` and `v1alpha`, from the committed descriptors: the proto files keep their names. */
import { readFileSync } from 'node:fs';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

const DESCRIPTORS = new URL('../../../proto/gen/descriptors.binpb', import.meta.url);

/** Services that every server offers. */
const COMMON = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

/** The files of a FileDescriptorSet (field 1), as bytes. */
const filesOf = (set: Uint8Array): Buffer[] => {
  const reader = new BinaryReader(set);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) files.push(Buffer.from(reader.bytes()));
    else reader.skip(type, field);
  }
  return files;
};

/** Serves reflection on a server. @param names the services of proto/ that it serves; only these are listed */
export const serveReflection = (server: Server, names: readonly string[]): void => {
  const descriptors = { fileDescriptorProtos: filesOf(readFileSync(DESCRIPTORS)) };
  const root = { descriptors } as unknown as ConstructorParameters<typeof ReflectionService>[0];
  new ReflectionService(root, { services: [...names, ...COMMON] }).addToServer(server);
};
