/** `node:http` and nothing else: reads the body, answers a fixed string. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../processes.ts';

serve(
  ({ answer }: { answer: string }) =>
    new Promise<number>((listening) => {
      const length = Buffer.byteLength(answer);
      const server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
          response.end(answer);
        });
      });
      server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
    }),
);
