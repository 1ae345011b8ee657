/** Promises about who holds a claim: it stands while its process lives, and not after. No lease ends here: time stands still. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Store } from '../../shared/ports/store.ts';
import { type Abilities, message } from './store-harness.ts';
import { idsOf, put, settle, take } from './store-steps.ts';
import type { Rig } from './store-suite.ts';

export const owners = (rig: () => Rig, { freesClaims }: Abilities): void => {
  if (freesClaims === false) return;
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  /** Another process that claims all there is in `q`: its name, and how it is killed. */
  const holder = async (count: number) => {
    const { harness } = rig();
    const script = join(import.meta.dirname, 'store-child.ts');
    const child = spawn(process.execPath, [script, harness.config.env.STORE_URL!, 'hold'], {
      env: { ...process.env, ...harness.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let said = '';
    for await (const chunk of child.stdout!) {
      said += chunk;
      if (said.split('\n').length > count + 1) break;
    }
    const lines = said.trim().split('\n');
    const kill = async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    };
    return { held: lines.slice(0, count), name: lines[count]!, kill };
  };

  /** Asks again until there is an answer, no longer than the engine may take. */
  const inTime = async <T>(ask: () => Promise<T | undefined>): Promise<T | undefined> => {
    const until = performance.now() + freesClaims;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined || performance.now() >= until) return answer;
      await sleep(50);
    }
  };
  const some = async (store: Store) => {
    const claimed = await take(store);
    return claimed.length ? claimed : undefined;
  };

  describe('knows who holds a claim', { timeout: 30_000 }, () => {
    test('what a killed process held is claimed at once by one that lives, and counts as tried', async () => {
      const { open, clock } = rig();
      const store = await open();
      const sent = [message({ at: clock.now(), order_key: 'u1' }), message({ at: clock.now() })];
      await put(store, ...sent, message({ at: clock.now(), order_key: 'u1' }));
      const { held, kill } = await holder(2);
      expect(held.sort()).toEqual(idsOf(sent).sort());
      expect(await take(store)).toEqual([]);
      await kill();
      const claimed = (await inTime(() => some(store)))!;
      expect(idsOf(claimed).sort()).toEqual(idsOf(sent).sort());
      expect(claimed.map(({ attempts }) => attempts)).toEqual([2, 2]);
      await settle(store, ...claimed);
    });

    test('a process that opens the store after the kill claims what the dead one held', async () => {
      const { open, clock, closeAll } = rig();
      await put(await open(), message({ at: clock.now() }));
      const { kill } = await holder(1);
      await closeAll();
      await kill();
      const store = await open();
      expect(await inTime(() => some(store))).toHaveLength(1);
    });

    test('what a living process holds stays held, whoever else comes and goes', async () => {
      const { open, clock } = rig();
      const store = await open();
      await put(store, message({ at: clock.now() }));
      const { name, kill } = await holder(1);
      await put(store, message({ at: clock.now(), queue: 'q2' }));
      const own = await take(store, 1, 'q2');
      const other = await open();
      expect(await take(other, 1, 'q2')).toEqual([]);
      await inTime(async () => (await some(other)) ?? (await some(store)));
      expect(await take(other)).toEqual([]);
      expect(await other.messages.isGone(name)).toBe(false);
      expect(await other.messages.isGone(await store.messages.owner())).toBe(false);
      await settle(store, ...own);
      await kill();
      const found = await inTime(async () => (await some(other)) && (await other.messages.isGone(name)));
      expect(found).toBe(true);
    });

    test('a store that is closed leaves nothing claimed', async () => {
      const { open, clock } = rig();
      const [store, other] = [await open(), await open()];
      await put(store, message({ at: clock.now() }));
      expect(await take(store)).toHaveLength(1);
      await store.close();
      expect(await inTime(() => some(other))).toHaveLength(1);
    });
  });
};
