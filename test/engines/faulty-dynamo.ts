/** A DynamoDB that fails on demand: a proxy that refuses requests, or loses answers after they took effect. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AwsOptions } from '../../shared/aws/settings.ts';
import { localOptions } from './dynamodb.ts';

/**
 * `throttled`, `conflict` and `denied` come before anything happened; `lost` (a 500) and `cut` (a broken connection)
 * after; `halved` answers half of a BatchGetItem.
 */
export type Fault = 'throttled' | 'conflict' | 'denied' | 'lost' | 'cut' | 'halved';

export interface FaultyDynamo {
  readonly options: Required<AwsOptions>;
  /** Asked at every request, with the operation's name and its input; undefined lets it through. It waits. */
  fault: (operation: string, input: any) => Fault | undefined | Promise<Fault | undefined>;
  /** Names of the operations that came, in their order. */
  readonly seen: string[];
  close(): Promise<void>;
}

const errorOf = (type: string, more: object = {}): string =>
  JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'on demand', ...more });

const refusal = (fault: Fault, operation: string, input: any): string | undefined => {
  switch (fault) {
    case 'throttled':
      return errorOf('ProvisionedThroughputExceededException');
    case 'denied':
      return errorOf('AccessDeniedException');
    case 'conflict': {
      if (operation !== 'TransactWriteItems') return errorOf('TransactionConflictException');
      const reasons = input.TransactItems.map((_: unknown, n: number) => ({
        Code: n ? 'None' : 'TransactionConflict',
      }));
      return errorOf('TransactionCanceledException', { CancellationReasons: reasons });
    }
    default:
      return undefined;
  }
};

const readAll = async (stream: IncomingMessage): Promise<Buffer> => Buffer.concat(await stream.toArray());

/** Starts one before `endpoint`. On 127.0.0.2 it does not look local, as AWS does not. */
export const faultyDynamo = async (endpoint: string, host = '127.0.0.1'): Promise<FaultyDynamo> => {
  const { hostname, port } = new URL(endpoint);

  const forward = async ({ headers, method, url }: IncomingMessage, body: Buffer) => {
    const sent = request({ hostname, port, method, path: url, headers: { ...headers, 'content-length': body.length } });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 500, headers: answer.headers, body: await readAll(answer) };
  };

  const reply = (response: ServerResponse, status: number, body: string): void =>
    void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readAll(incoming);
    const operation = `${incoming.headers['x-amz-target']}`.split('.')[1] ?? '';
    const input = JSON.parse(body.toString());
    faulty.seen.push(operation);
    const fault = await faulty.fault(operation, input);
    const refused = fault && refusal(fault, operation, input);
    if (refused) return reply(response, 400, refused);
    if (fault === 'halved') {
      const [table, { Keys, ...rest }] = Object.entries<any>(input.RequestItems)[0]!;
      const half = Math.ceil(Keys.length / 2);
      const asked = { RequestItems: { [table]: { ...rest, Keys: Keys.slice(0, half) } } };
      const { Responses } = JSON.parse((await forward(incoming, Buffer.from(JSON.stringify(asked)))).body.toString());
      const left = Keys.slice(half);
      const UnprocessedKeys = left.length ? { [table]: { ...rest, Keys: left } } : {};
      return reply(response, 200, JSON.stringify({ Responses, UnprocessedKeys }));
    }
    const done = await forward(incoming, body);
    if (fault === 'lost') return reply(response, 500, errorOf('InternalServerError'));
    if (fault === 'cut') return void response.destroy();
    response.writeHead(done.status, done.headers).end(done.body);
  };

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, host);
  await once(server, 'listening');
  const faulty: FaultyDynamo = {
    options: localOptions(`http://${host}:${(server.address() as AddressInfo).port}`),
    fault: () => undefined,
    seen: [],
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return faulty;
};
