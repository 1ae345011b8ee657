/** grpc-js and nothing else: takes bytes, answers the same bytes always. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { serve } from '../processes.ts';

serve(
  ({ path, answer }: { path: string; answer: string }) =>
    new Promise<number>((listening, failed) => {
      const bytes = (buffer: Buffer) => buffer;
      const fixed = Buffer.from(answer, 'base64');
      const server = new Server();
      server.register(path, (_: unknown, respond: any) => respond(null, fixed), bytes, bytes, 'unary');
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? failed(error) : listening(port),
      );
    }),
);
