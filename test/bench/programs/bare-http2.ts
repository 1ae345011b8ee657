/** `node:http2` and nothing else: reads a message of gRPC, answers the same bytes always, with the trailers that gRPC wants. */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { serve } from '../processes.ts';

const PREFIX = 5;

serve(
  ({ answer }: { answer: string }) =>
    new Promise<number>((listening) => {
      const message = Buffer.from(answer, 'base64');
      const frame = Buffer.alloc(PREFIX + message.length);
      frame.writeUInt32BE(message.length, 1);
      frame.set(message, PREFIX);
      const server = createServer();
      server.on('stream', (stream) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
          stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
          stream.end(frame);
        });
      });
      server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
    }),
);
