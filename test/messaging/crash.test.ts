import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Host, invoke } from '../../shared/invoke.ts';
import { DEAD } from '../../shared/messaging/dead-letters.ts';
import { OUTBOX } from '../../shared/messaging/event.ts';
import type { Store } from '../../shared/ports/store.ts';
import { startWorker } from '../../shared/runtime/worker.ts';
import {
  context,
  note,
  notes,
  openRig,
  probeCollections,
  probePlatform,
  QUEUE,
  seenBy,
  temporaryFolder,
} from './rig.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

class Killed extends Error {}

/** A process that dies at its call number `at` of the store, before or after the call took effect; nothing of it works from then on. */
const mortal = (host: Host, at: number, when: 'before' | 'after'): { host: Host; died: () => boolean } => {
  let calls = 0;
  let dead = false;
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name);
        if (name === 'messages') return guard(value as object);
        if (typeof value !== 'function' || name === 'onCommit') return value;
        return async (...args: unknown[]) => {
          const last = ++calls === at;
          if (dead || (last && when === 'before')) {
            dead = true;
            throw new Killed();
          }
          const result = await value.apply(target, args);
          if (last) dead = true;
          if (dead) throw new Killed();
          return result;
        };
      },
    });
  const mortalHost: Host = { ports: { ...host.ports, store: guard<Store>(host.ports.store) }, call: host.call };
  return { host: mortalHost, died: () => dead };
};

describe('a process that is killed', () => {
  it.each(['before', 'after'] as const)(
    'loses no event and doubles no effect, %s whichever call of the store it happens',
    async (when) => {
      const platform = probePlatform();
      let at = 0;
      let died = true;
      while (died) {
        at++;
        const { host, store, clock, worker, close } = await openRig({ platform, collections: probeCollections });
        const victim = mortal(host, at, when);
        const first = startWorker(victim.host, platform);
        for (const id of ['1', '2', '3']) {
          await invoke(victim.host, note, { id, text: id, user_id: id === '3' ? 'b' : 'a' }, context()).catch(() => {});
        }
        await first.drain();
        died = victim.died();
        await first.stop().catch(() => {});
        // whoever comes next sees the claims of the dead end
        clock.pass(61_000);
        await worker().drain();
        const committed = await store.getMany(notes, ['1', '2', '3']);
        const expected = (ids: string[]): string[] => ids.filter((id) => committed.has(id));
        expect([at, await seenBy(store, 'a'), await seenBy(store, 'b')]).toEqual([
          at,
          expected(['1', '2']),
          expected(['3']),
        ]);
        for (const queue of [OUTBOX, QUEUE, DEAD]) expect(await store.messages.depth(queue)).toEqual({ count: 0 });
        await close();
      }
      // three commits, and for each event at least a relay and a handler
      expect(at).toBeGreaterThan(15);
    },
  );

  it('may die again and again at any call: every event has its one effect in the end', async () => {
    const platform = probePlatform();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 25 }), fc.boolean()), { maxLength: 4 }),
        async (deaths) => {
          const { host, store, clock, run, worker, close } = await openRig({ platform, collections: probeCollections });
          for (const id of ['1', '2', '3', '4']) await run(note, { id, text: id, user_id: 'a' });
          for (const [at, after] of deaths) {
            const victim = mortal(host, at, after ? 'after' : 'before');
            const dying = startWorker(victim.host, platform);
            await dying.drain();
            await dying.stop().catch(() => {});
            clock.pass(61_000);
          }
          await worker().drain();
          expect(await seenBy(store, 'a')).toEqual(['1', '2', '3', '4']);
          await close();
        },
      ),
      { numRuns: 40 },
    );
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
