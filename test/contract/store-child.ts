/** Another process on a store: `node store-child.ts <url> <mode>`; says each thing it did as a line. */
import { writeSync } from 'node:fs';
import type { Adapter } from '../../shared/kit/adapter.ts';
import { insert } from '../../shared/ports/store.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import { configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

const [, , url = '', mode = ''] = process.argv;
const ports = fakePorts();
const engines: Record<string, () => Promise<(schema: StoreSchema) => Adapter<'store', any>>> = {
  sqlite: async () => (await import('../../shared/store/sqlite/adapter.ts')).sqliteStore,
  postgres: async () => (await import('../../shared/store/postgres/adapter.ts')).postgresStore,
  dynamodb: async () => (await import('../../shared/store/dynamodb/adapter.ts')).dynamodbStore,
};
const config = configFor(url);
const engine = await engines[config.store.engine]!();
const { port: store, close } = await engine(schema).open(ports, config);
const say = (line: string) => writeSync(1, `${line}\n`);

/** Writes notes, each with its message, until it is killed; says each when it is acknowledged. */
const write = async () => {
  for (let n = 0; ; n += 1) {
    const ids = [0, 1, 2].map((k) => `${process.pid}-${n}-${k}`);
    await Promise.all(
      ids.map(async (id) => {
        const enqueue = [message({ at: ports.clock.now(), id })];
        await store.transact([insert(notes, id, { text: 'x'.repeat(500) })], { enqueue });
        say(id);
      }),
    );
  }
};

const count = async () => {
  for (let n = 0; n < 300; n += 1) await store.increment(hits, 'h', { expires_at: ports.clock.now() + 1000 });
};

const claim = async () => {
  for (;;) {
    const claimed = await store.messages.claim('q', { limit: 3, lease_ms: 60_000 });
    if (!claimed.length) return;
    await store.transact([], { settle: claimed });
    for (const { id } of claimed) say(id);
  }
};

/** Claims all there is, and lives with it until it is killed. */
const hold = async () => {
  const claimed = await store.messages.claim('q', { limit: 10, lease_ms: 60_000 });
  for (const { id } of claimed) say(id);
  say(await store.messages.owner());
  await new Promise(() => setInterval(() => {}, 1_000));
};

const modes: Record<string, () => Promise<void>> = { write, count, claim, hold };
await modes[mode]!();
await close?.();
