import { fileURLToPath } from 'node:url';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { fromStatus } from '../../../shared/grpc/status.ts';
import type { Door, Outcome } from '../world.ts';

const PROTO = fileURLToPath(new URL('../../../proto/', import.meta.url));

const FILES = [
  'auth_service.proto',
  'user_service.proto',
  'user_bulk_service.proto',
  'permission_service.proto',
  'sidecar_service.proto',
  'envoy/service/auth/v3/external_auth.proto',
  'user_admin_service.proto',
];
const OPTIONS = { includeDirs: [PROTO], keepCase: true, longs: Number, defaults: true, arrays: true };
let definitions: ReturnType<typeof loadSync> | undefined;

/** A method as a client knows it that has nothing but the proto files. @param name `package.Service/Method` */
export const definitionOf = (name: string): MethodDefinition<object, object> => {
  definitions ??= loadSync(FILES, OPTIONS);
  const [service, method] = name.split('/') as [string, string];
  return (definitions[service] as unknown as Record<string, MethodDefinition<object, object>>)[method]!;
};

/** An input as a message: enums by their names in proto/. */
export const toMessage = (input: object): object =>
  'status' in input ? { ...input, status: String(input.status).toUpperCase() } : input;

/** gRPC by a client that knows only the proto files; what has no RPC goes through the other door. */
export const grpcDoor = (port: number, others: Door): Door & { close(): void } => {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    name: 'gRPC',
    close: () => client.close(),
    call: (op, input, options = {}) => {
      const rpc = op.rpc[0];
      if (!rpc) return others.call(op, input, options);
      const definition = definitionOf(rpc.method);
      const metadata = new Metadata();
      if (options.token) metadata.set('authorization', `Bearer ${options.token}`);
      // proto3 has no unknown fields by name: what the message can't carry is not sent
      const sent = toMessage({
        ...input,
        ...('user_agent' in input ? {} : options.user_agent && { user_agent: options.user_agent }),
      });
      return new Promise<Outcome>((resolve) => {
        const answered = (error: ServiceError | null, answer?: any) => {
          if (error) {
            // our own client reads a refusal of its credentials as its own fault; here the caller is under test
            if (error.code === status.UNAUTHENTICATED && error.details) {
              return resolve({ ok: false, code: 'unauthenticated', body: undefined });
            }
            if (error.code === status.PERMISSION_DENIED)
              return resolve({ ok: false, code: 'forbidden', body: undefined });
            const { code, errors } = fromStatus(error);
            return resolve({ ok: false, code, errors, body: undefined });
          }
          // a refusal that this method answers in its message
          if (answer.error_message && !('valid' in answer)) {
            return resolve({ ok: false, code: answer.error_message, body: undefined });
          }
          resolve({ ok: true, body: 'user' in answer ? answer.user : answer });
        };
        if (definition.responseStream) {
          const { path, requestStream, requestSerialize, responseDeserialize } = definition;
          const rows = requestStream
            ? client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata)
            : client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, sent, metadata);
          if (requestStream) (rows as ClientDuplexStream<object, object>).end(sent);
          // of a stream the first row is the answer here: it need not have an end
          rows.once('data', (row) => {
            answered(null, row);
            rows.cancel();
          });
          rows.on('error', (error: ServiceError) => error.code !== status.CANCELLED && answered(error));
          return;
        }
        client.makeUnaryRequest(
          definition.path,
          definition.requestSerialize,
          definition.responseDeserialize,
          sent,
          metadata,
          { deadline: Date.now() + 15_000 },
          answered,
        );
      });
    },
  };
};
