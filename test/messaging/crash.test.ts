import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { OUTBOX } from '../../shared/kit/event.ts';
import { DEAD } from '../../shared/messaging/dead-letters.ts';
import {
  note,
  notes,
  openRig,
  probeCollections,
  probePlatform,
  QUEUE,
  seenBy,
  TestClock,
  temporaryFolder,
} from './rig.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('kill -9 of the process', () => {
  it('at any time loses no committed event and doubles no effect', { timeout: 30_000 }, async () => {
    const folder = await temporaryFolder();
    cleanups.push(folder.remove);
    const file = join(folder.path, 'platform.db');
    const told: string[] = [];
    for (const [life, ms] of [40, 5, 90, 20, 60].entries()) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'victim.ts'), file, String(life)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = createInterface({ input: child.stdout });
      const closed = new Promise((resolve) => lines.on('close', resolve));
      await new Promise((first) => {
        lines.on('line', (line) => {
          told.push(line);
          first(line);
        });
      });
      await sleep(ms);
      child.kill('SIGKILL');
      await closed;
    }
    const clock = new TestClock();
    clock.at = Date.now() + 61_000;
    const { store, worker, close } = await openRig({
      platform: probePlatform(),
      collections: probeCollections,
      file,
      clock,
    });
    cleanups.push(close);
    await worker().drain();
    const seen = await seenBy(store, 'a');
    expect(new Set(seen).size).toBe(seen.length);
    expect(told.filter((text) => !seen.includes(text))).toEqual([]);
    const phantoms = [];
    for (const text of seen) if (!(await store.get(notes, text))) phantoms.push(text);
    expect(phantoms).toEqual([]);
    expect(seen).toEqual(seen.toSorted());
    for (const queue of [OUTBOX, QUEUE, DEAD]) expect(await store.messages.depth(queue)).toEqual({ count: 0 });
  });
});

describe('two workers on one file', () => {
  it('share the work: each event is handled once, in the order of its user', async () => {
    const folder = await temporaryFolder();
    cleanups.push(folder.remove);
    const file = join(folder.path, 'platform.db');
    const invoked: string[] = [];
    const platform = probePlatform(async ({ message_id }) => {
      invoked.push(message_id);
      await new Promise(setImmediate);
    });
    const [one, two] = [
      await openRig({ platform, collections: probeCollections, file }),
      await openRig({ platform, collections: probeCollections, file }),
    ];
    cleanups.push(one.close, two.close);
    const workers = [one.worker(), two.worker()];
    const texts = Array.from({ length: 60 }, (_, at) => String(at));
    for (const text of texts) {
      const rig = Number(text) % 3 ? one : two;
      await rig.run(note, { id: text, text, user_id: `user${Number(text) % 7}` });
    }
    const left = async (): Promise<number> =>
      (await one.store.messages.depth(OUTBOX)).count + (await one.store.messages.depth(QUEUE)).count;
    while (await left()) await Promise.all(workers.map(({ drain }) => drain()));
    expect(new Set(invoked).size).toBe(60);
    expect(invoked).toHaveLength(60);
    for (let user = 0; user < 7; user++) {
      expect(await seenBy(one.store, `user${user}`)).toEqual(texts.filter((text) => Number(text) % 7 === user));
    }
  });
});
