/**
 * Before all test files: engines that they share. The run starts one when the first file asks for it, and ends it when all
 * are done. Who stops an engine, or changes what others would notice, starts one of his own.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import type { Rabbitmq } from './rabbitmq.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Who is asked for a shared engine: the address of this. */
    engines: string;
  }
}

/** Virtual hosts of a broker; who comes when they are given away starts another broker. */
const VHOSTS = Array.from({ length: 16 }, (_, n) => `tests-${n}`);

export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  const brokers: Promise<Rabbitmq>[] = [];
  let left: string[] = [];
  const vhost = async (): Promise<string> => {
    if (left.length === 0) {
      left = [...VHOSTS];
      // loaded with the first
      brokers.push(import('./rabbitmq.ts').then(({ startRabbitmq }) => startRabbitmq({ vhosts: VHOSTS })));
    }
    const name = left.shift()!;
    return `${(await brokers.at(-1)!).url}/${name}`;
  };
  const server = createServer((_, response) => {
    vhost().then(
      (url) => response.end(url),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // a run whose tests are done ends
  server.unref();
  provide('engines', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    for (const started of await Promise.allSettled(brokers))
      if (started.status === 'fulfilled') await started.value.close();
  };
};
