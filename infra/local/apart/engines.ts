/** What services that run apart share on this machine: one PostgreSQL, one RabbitMQ, a Consul and a DNS server, all private. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startConsulAgent } from '../../../test/engines/consul.ts';
import { startPostgres } from '../../../test/engines/postgres.ts';
import { startRabbitmq } from '../../../test/engines/rabbitmq.ts';
import type { Ground } from './deployment.ts';
import { startDns } from './dns-server.ts';
import { type Layout, placesOf, ZONE } from './layout.ts';

export interface Engines extends Ground {
  close(): Promise<void>;
}

/** Starts them side by side. @throws Error with one line that says which cannot be had */
export const startEngines = async (layout: Layout, env: Ground['env'] = {}): Promise<Engines> => {
  const closing: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (let end = closing.pop(); end; end = closing.pop()) await end();
  };
  const keep = async <T extends { close(): unknown }>(opening: Promise<T>): Promise<T> => {
    const opened = await opening;
    closing.push(() => opened.close());
    return opened;
  };
  const started = await Promise.allSettled([
    keep(startPostgres()),
    keep(startRabbitmq()),
    keep(startConsulAgent()),
    keep(startDns(ZONE, placesOf(layout))),
  ]);
  const failed = started.find((each) => each.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  const [postgres, rabbitmq, consul, dns] = started.map((each) => (each as PromiseFulfilledResult<any>).value);
  const dataDir = mkdtempSync(join(tmpdir(), 'perfect21-apart-'));
  closing.push(() => rmSync(dataDir, { recursive: true, force: true }));
  return {
    layout,
    env,
    registries: { dns: dns.place, consul: consul.place },
    shared: {
      store: await postgres.createDatabase(),
      bus: rabbitmq.url,
      secret: randomBytes(32).toString('base64url'),
      dataDir,
    },
    close,
  };
};
