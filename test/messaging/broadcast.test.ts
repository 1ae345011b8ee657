/** What of broadcasts in the store no other bus has: several processes on one file, and processes that sleep or are killed. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { tailed } from '../../shared/messaging/embedded/tail.ts';
import { startRelay } from '../../shared/messaging/relay.ts';
import { hearer } from '../contract/bus-broadcasts.ts';
import { note, openRig, probeCollections, type Rig, temporaryFolder } from './rig.ts';

describe('broadcasts on one SQLite file', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  });
  const file = async (): Promise<string> => {
    const folder = await temporaryFolder();
    closing.push(folder.remove);
    return `${folder.path}/store.db`;
  };
  const process = async (path: string, told = hearer()) => {
    const rig = await openRig({ platform: told.platform, collections: probeCollections, file: path });
    closing.push(rig.close);
    return { rig, told };
  };
  const caughtUp = ({ all }: ReturnType<typeof hearer>) => all.filter((each) => each === 'caught up').length;
  const tails = async ({ store }: Rig) => (await store.messages.depth('perfect21.tails')).count;

  test('reach another process within 100 ms of being relayed, at the median', async () => {
    const path = await file();
    const [one, two] = [await process(path), await process(path)];
    one.rig.worker();
    two.rig.worker();
    await expect.poll(() => Math.min(caughtUp(one.told), caughtUp(two.told)), { timeout: 10_000 }).toBe(2);
    const took: number[] = [];
    for (let n = 0; n < 15; n++) {
      const text = `text ${n}`;
      await one.rig.run(note, { id: text, text });
      await expect.poll(() => one.told.texts().includes(text), { interval: 1, timeout: 10_000 }).toBe(true);
      const relayed = performance.now();
      await expect.poll(() => two.told.texts().includes(text), { interval: 1, timeout: 10_000 }).toBe(true);
      took.push(performance.now() - relayed);
    }
    expect(took.sort((a, b) => a - b)[7]).toBeLessThan(100);
    expect(two.told.texts()).toHaveLength(15);
  });

  test('a quiet process reads nothing: only a commit of another one makes it look', async () => {
    const path = await file();
    const [one, two] = [await process(path), await process(path)];
    two.rig.worker();
    await expect.poll(() => caughtUp(two.told), { timeout: 10_000 }).toBe(2);
    const looks = vi.spyOn(two.rig.store.messages, 'peek');
    const ears = () => looks.mock.calls.filter(([queue]) => /^perfect21\.tail\./.test(queue)).length;
    const asked = vi.spyOn(two.rig.store.messages, 'others');
    const sinceThen = ears();
    // twenty looks' time
    await expect.poll(() => asked.mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(20);
    expect(ears()).toBe(sinceThen);
    await one.rig.run(note, { id: 'n', text: 'somebody else' });
    await expect.poll(() => two.told.texts(), { timeout: 10_000 }).toEqual(['somebody else']);
  });

  test('a stop waits for nobody, and the next relay removes what is left of it', async () => {
    const path = await file();
    const [one, two] = [await process(path), await process(path)];
    const worker = one.rig.worker();
    await expect.poll(() => caughtUp(one.told), { timeout: 10_000 }).toBe(2);
    const started = performance.now();
    await worker.stop();
    expect(performance.now() - started).toBeLessThan(300);
    for (const { rig } of [one, two]) rig.clock.pass(500);
    await two.rig.run(note, { id: 'n', text: 'afterwards' });
    const relay = startRelay(
      two.rig.host.ports,
      tailed({ name: 'none', publish: async (rows) => rows.map(() => ({ kind: 'published' })) }, two.rig.host.ports),
      () => {},
    );
    await relay.round();
    await relay.stop();
    expect(await tails(two.rig)).toBe(0);
  });

  test('a process that slept so long that it was forgotten is told that it missed something, and catches up', async () => {
    const { rig, told } = await process(await file());
    rig.worker();
    await expect.poll(() => caughtUp(told), { timeout: 10_000 }).toBe(2);
    const before = told.all.length;
    rig.clock.pass(3_600_000);
    await expect.poll(() => told.all.slice(before), { timeout: 10_000 }).toEqual(['missed', 'caught up', 'caught up']);
  });

  test('what stands for one that was killed is removed by the others when its time is over', async () => {
    const path = await file();
    const [one, two] = [await process(path), await process(path)];
    // killed: its worker is never stopped, and its store is gone
    one.rig.worker();
    await expect.poll(() => caughtUp(one.told), { timeout: 10_000 }).toBe(2);
    await one.rig.store.close();
    two.rig.clock.pass(31_000);
    two.rig.worker();
    await expect.poll(() => caughtUp(two.told), { timeout: 10_000 }).toBe(2);
    expect(await tails(two.rig)).toBe(1);
  });
});
