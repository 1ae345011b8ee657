import { afterEach, describe, expect, test } from 'vitest';
import { bar, plain } from '../../infra/operator/output.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { storeLetters, toDeadLetter } from '../../shared/messaging/dead-letters.ts';
import { embeddedBus } from '../../shared/messaging/embedded/bus.ts';
import { tail, tailed } from '../../shared/messaging/embedded/tail.ts';
import { newTail } from '../../shared/messaging/embedded/tails.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { mortal, note, openRig, probeCollections, probePlatform, QUEUE, type Rig } from '../messaging/rig.ts';

const rigs: Rig[] = [];
const open = async (): Promise<Rig> => {
  const rig = await openRig({ platform: probePlatform(), collections: probeCollections });
  rigs.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

const park = async ({ store, clock }: Rig, ids: readonly string[], queue = QUEUE): Promise<void> => {
  for (const id of ids) {
    const message = { queue, id, body: {}, priority: 0, available_at: 0, attempts: 6, claim: '' };
    await store.transact([], { enqueue: [toDeadLetter(message, 'given up', clock.now())] });
  }
};
const idsIn = async ({ store }: Rig, queue: string): Promise<string[]> =>
  (await store.messages.peek(queue, 100)).map(({ id }) => id);

describe('dead letters in the store', () => {
  const ids = ['1', '2', '3', '4', '5'];

  test.each(['before', 'after'] as const)(
    'are not lost by a replay that dies %s whichever call of the store',
    async (when) => {
      let at = 0;
      for (let died = true; died; ) {
        at++;
        const rig = await open();
        await park(rig, ids);
        const victim = mortal(rig.host, at, when);
        await storeLetters(victim.host.ports.store, rig.clock)
          .walk(() => 'replay')
          .catch(() => {});
        died = victim.died();
        rig.clock.pass(31_000);
        await storeLetters(rig.store, rig.clock).walk(() => 'replay');
        expect([at, await idsIn(rig, QUEUE), await idsIn(rig, 'perfect21.dead')]).toEqual([at, ids, []]);
      }
      expect(at).toBeGreaterThan(ids.length);
    },
  );

  test('that are kept or beyond a limit can be taken by the next walk at once', async () => {
    const rig = await open();
    await park(rig, ids);
    const box = storeLetters(rig.store, rig.clock);
    let taken = 0;
    await box.walk(({ id }) => (id === '2' ? 'keep' : taken++ < 2 ? 'drop' : 'stop'));
    const seen: string[] = [];
    await box.walk(({ id }) => {
      seen.push(id);
      return 'keep';
    });
    expect(seen).toEqual(['2', '4', '5']);
    expect(await box.count()).toBe(3);
  });

  test('are each looked at once, also when a walk takes longer than its claims hold', async () => {
    const rig = await open();
    await park(rig, ids);
    const seen: string[] = [];
    await storeLetters(rig.store, rig.clock).walk(({ id }) => {
      rig.clock.pass(31_000);
      seen.push(id);
      return 'keep';
    });
    expect(seen).toEqual(ids);
  });

  test('behind many that are kept are found, also when these come back before the walk is there', async () => {
    const rig = await open();
    const numbered = Array.from({ length: 120 }, (_, n) => String(n).padStart(3, '0'));
    await park(rig, numbered);
    let replayed = 0;
    await storeLetters(rig.store, rig.clock).walk(
      ({ id }) => {
        rig.clock.pass(1_000);
        return id >= '060' ? 'replay' : 'keep';
      },
      () => replayed++,
    );
    expect(replayed).toBe(60);
    expect(await idsIn(rig, 'perfect21.dead')).toHaveLength(60);
  });

  test('are all shown, however many there are', async () => {
    const rig = await open();
    const message = { queue: QUEUE, body: {}, priority: 0, available_at: 0, attempts: 6, claim: '' };
    for (let page = 0; page < 11; page++) {
      const enqueue = Array.from({ length: 100 }, (_, n) => {
        const id = String(page * 100 + n).padStart(5, '0');
        return toDeadLetter({ ...message, id }, 'given up', rig.clock.now());
      });
      await rig.store.transact([], { enqueue });
    }
    const shown: string[] = [];
    for await (const { id } of storeLetters(rig.store, rig.clock).look()) shown.push(id);
    expect([shown.length, shown.at(-1)]).toEqual([1_100, '01099']);
  });
});

test('a look at events removes what one that was killed has left behind', async () => {
  const rig = await open();
  const { store, clock } = rig;
  const left = { queue: 'perfect21.tail.killed', binding: '#', until: clock.now() - 1 };
  await store.transact([], {
    enqueue: [
      { queue: 'perfect21.tails', id: 's', available_at: clock.now(), body: left },
      { queue: left.queue, id: 'e', available_at: clock.now(), body: {} },
    ],
  });
  const { ids } = rig.host.ports;
  const controller = new AbortController();
  await tail(
    { store, clock, ids },
    '#',
    () => {},
    controller.signal,
    () => controller.abort(),
  );
  expect([await idsIn(rig, 'perfect21.tails'), await idsIn(rig, left.queue)]).toEqual([[], []]);
});

test('looks at events get copies for as long as they last, beside each other, and say so in one row each', async () => {
  const rig = await open();
  const { ports } = rig.host;
  await rig.run(note, { id: 'n', text: 'a text' });
  const rows = await rig.store.messages.peek(OUTBOX, 1);
  const tails = ['#', 'probe.events.*', 'user.#'].map((binding) => newTail(ports, binding));
  for (let hours = 0; hours < 2; hours += 10 / 3_600) {
    for (const { say } of tails) await say();
    rig.clock.pass(10_000);
  }
  const bus = tailed(embeddedBus(topologyOf(probePlatform()), rig.clock), ports);
  const [outcome] = await bus.publish(rows);
  const copied = outcome?.kind === 'published' ? outcome.deliveries?.map(({ queue }) => queue) : outcome;
  expect(copied).toEqual([QUEUE, tails[0]!.queue, tails[1]!.queue]);
  expect(await idsIn(rig, 'perfect21.tails')).toHaveLength(tails.length);
});

test('a bar never runs over, and text from elsewhere commands no terminal', () => {
  expect(bar(5, 10, 'looked at')).toBe('[############············]  50 %  5 of 10 looked at');
  expect(bar(12, 10, 'looked at')).toBe(`[${'#'.repeat(24)}] 100 %  12 of 12 looked at`);
  // of how many, nobody knows
  expect(bar(3, 0, 'looked at')).toBe('3 looked at');
  expect(plain('a\u001b[2Jb\u202ec\n')).toBe('a?[2Jb?c?');
});
