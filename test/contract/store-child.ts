/** Another process on a SQLite file: `node store-child.ts <url> <mode>`; says each thing it did as a line. */
import { writeSync } from 'node:fs';
import { insert } from '../../shared/ports/store.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { configFor, fakePorts, hits, message, notes, schema } from './store-harness.ts';

const [, , url = '', mode = ''] = process.argv;
const ports = fakePorts();
const { port: store, close } = await sqliteStore(schema).open(ports, configFor(url));
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

const modes: Record<string, () => Promise<void>> = { write, count, claim };
await modes[mode]!();
await close?.();
