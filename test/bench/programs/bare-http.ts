/** `node:http` and nothing else: reads the body, answers a fixed string; parses the body and adds `fields` where there are some. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../processes.ts';

export interface BareHttpOrder {
  answer: string;
  /** Names and values in turn. */
  fields?: string[];
}

serve(
  ({ answer, fields }: BareHttpOrder) =>
    new Promise<number>((listening) => {
      const length = Buffer.byteLength(answer);
      const server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
          if (fields) {
            JSON.parse(Buffer.concat(chunks).toString());
            response.writeHead(200, fields);
          } else response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
          response.end(answer);
        });
      });
      server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
    }),
);
