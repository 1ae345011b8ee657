/** Promises about processes that die and a bus that goes away: nothing is lost, and no effect happens twice. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OUTBOX } from '../../shared/kit/event.ts';
import { Life } from '../messaging/life.ts';
import { notes, probePlatform, seenBy } from '../messaging/rig.ts';
import { type Bench, eventually, noteOn, seenOf } from './bus-harness.ts';
import type { Given } from './bus-suite.ts';

/** Longer than any claim lasts, so that others take over what the dead held. */
const CLAIMS_END = 61_000;

/** Handlers that take a moment, in which what was sent before arrives: an acknowledgement that came too early. */
const slow = () => probePlatform(() => sleep(3));

type Change = readonly [text: string, user: string];

const isDone = async ({ rig, waiting }: Bench): Promise<boolean> =>
  (await rig.store.messages.depth(OUTBOX)).count + (await waiting()) === 0;

/** A process commits changes and works until it dies or has nothing left. Says whether it died. */
const live = async (bench: Bench, life: Life, changes: readonly Change[]): Promise<boolean> => {
  const running = await bench.start({ life });
  for (const [text, user] of changes) await noteOn(running.host, text, user).catch(() => {});
  while (!life.over) {
    await Promise.race([running.drain().catch(() => {}), life.ended]);
    if (await isDone(bench)) break;
    // what met another's write waits for its next try
    bench.rig.clock.pass(1_000);
    await turn();
  }
  const died = life.over;
  life.end();
  await running.stop().catch(() => {});
  bench.rig.clock.pass(CLAIMS_END);
  return died;
};

/** Somebody else ends the work. Then every change that was committed, and no other, had its one effect. */
const settle = async (bench: Bench, changes: readonly Change[], ordered: boolean): Promise<void> => {
  const { store } = bench.rig;
  const committed = await store.getMany(
    notes,
    changes.map(([text, user]) => `${user} ${text}`),
  );
  const expected = changes.filter(([text, user]) => committed.has(`${user} ${text}`));
  const users = [...new Set(changes.map(([, user]) => user))];
  const seen = async () => {
    const all = await seenOf(bench, users);
    return all.filter((text) => changes.some(([known]) => known === text));
  };
  const running = await bench.start();
  const complete = async () => (await seen()).length >= expected.length && (await isDone(bench));
  await eventually(bench, complete, `the effects of ${expected.map(([text]) => text)}`);
  await running.drain();
  await running.stop();
  const texts = users.flatMap((user) => expected.filter(([, of]) => of === user).map(([text]) => text));
  expect(ordered ? await seen() : (await seen()).sort()).toEqual(ordered ? texts : texts.sort());
  expect(await bench.dead()).toEqual([]);
};

export const crashes = ({ open, traits }: Given): void => {
  const ordered = traits.order === 'past a retry';
  describe('loses nothing and doubles no effect', () => {
    test.each([...traits.dies])(
      'when a process dies %s any step, whichever it is',
      { timeout: 60_000 },
      async (when) => {
        const bench = await open(slow());
        let last = 0;
        for (let died = true; died; ) {
          last++;
          const changes: Change[] = [
            [`${last} one`, 'a'],
            [`${last} two`, 'a'],
            [`${last} three`, 'b'],
          ];
          died = await live(bench, new Life(last, when), changes);
          await settle(bench, changes, ordered);
        }
        // three commits, and for each event at least a relay and a handler
        expect(last).toBeGreaterThan(9);
      },
    );

    test('when processes die again and again, at any step', { timeout: 60_000 }, async () => {
      let round = 0;
      const deaths = fc.array(fc.tuple(fc.integer({ min: 1, max: 25 }), fc.constantFrom(...traits.dies)), {
        maxLength: 4,
      });
      const bench = await open(slow());
      const property = fc.asyncProperty(deaths, async (lives) => {
        round++;
        const changes = ['one', 'two', 'three', 'four'].map((text): Change => [`${round} ${text}`, 'a']);
        for (const [text, user] of changes) await noteOn(bench.rig.host, text, user);
        for (const [last, when] of lives) await live(bench, new Life(last, when), []);
        await settle(bench, changes, ordered);
      });
      await fc.assert(property, { numRuns: traits.deaths });
    });

    test('when the bus dies while it takes events and stays away for a minute', { timeout: 60_000 }, async () => {
      const bench = await open();
      const { store, clock, logged } = bench.rig;
      await bench.start();
      const changes = Array.from({ length: 120 }, (_, n): Change => [`text ${100 + n}`, `user-${n % 6}`]);
      const note = async (some: readonly Change[]) => {
        for (const [text, user] of some) {
          await noteOn(bench.rig.host, text, user);
          await turn();
        }
      };
      await note(changes.slice(0, 20));
      await eventually(bench, async () => (await seenBy(store, 'user-0')).length > 0, 'the first events');
      const noting = note(changes.slice(20, 80));
      await bench.interrupt();
      await noting;
      for (let from = 80; from < 120; from += 4) {
        clock.pass(6_000);
        await note(changes.slice(from, from + 4));
      }
      expect((await store.messages.depth(OUTBOX)).count).toBeGreaterThanOrEqual(20);
      await bench.resume();
      await settle(bench, changes, false);
      expect(logged.filter(({ code }) => code === 'outbox.parked' || code === 'queue.parked')).toEqual([]);
    });
  });
};
