/** What the doubles of web services have in common: a server on a free port, whole requests, an end that waits for nobody. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A refusal: the service's name of it, and the HTTP status. */
export interface Fault extends Error {
  type: string;
  status: number;
}
export const fault = (type: string, message: string, status = 400): Fault =>
  Object.assign(new Error(message), { type, status });

/** Starts a server that answers whole requests. @example const { endpoint, close } = await startDouble((body, request, response) => …) */
export const startDouble = async (
  answer: (body: Buffer, request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<{ endpoint: string; close(): Promise<void> }> => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    await answer(Buffer.concat(chunks), request, response);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};
