/** Promises about what every process hears: each once, nothing kept for nobody, and a way to catch up. */
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { operation } from '../../shared/kit/operation.ts';
import { type Service, service } from '../../shared/kit/service.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { note, noted, probePlatform } from '../messaging/rig.ts';
import { type Bench, eventually, noteOn } from './bus-harness.ts';
import type { Given } from './bus-suite.ts';

/** What one process was told, in its order. */
export interface Told {
  platform: readonly Service[];
  /** `missed`, `caught up`, or the text of an event. */
  all: string[];
  texts(): string[];
}

/** The platform of one process, with an operation that hears what is noted. */
export const hearer = (
  before: (text: string) => void = () => {},
  catchingUp: () => Promise<void> | void = () => {},
): Told => {
  const all: string[] = [];
  const hear = operation({
    name: 'probe.hear-noted',
    summary: 'Hears what was noted',
    subscription: { broadcast: true, bindings: ['probe.#.noted', 'probe.events.*'], types: [noted.type] },
    access: 'service',
    input: envelopeOf(noted),
    output: z.object({}),
    needs: ['clock'],
    missed: ({ clock }) => void (clock && all.push('missed')),
    catchUp: async ({ clock }) => {
      await catchingUp();
      if (clock) all.push('caught up');
    },
    run: (_, { data: { text } }) => {
      before(text);
      all.push(text);
      return {};
    },
  });
  const [probe] = probePlatform();
  const texts = () => all.filter((each) => each !== 'missed' && each !== 'caught up');
  return { platform: [service('probe', [...probe!.operations, hear])], all, texts };
};

export const broadcasts = ({ open, traits }: Given): void => {
  /** Starts a process and waits until it hears everything. */
  const begin = async (bench: Bench, told: Told) => {
    const running = await bench.start({ platform: told.platform });
    const times = () => told.all.filter((each) => each === 'caught up').length;
    await eventually(bench, async () => times() >= traits.catchUps, 'its catching up');
    return running;
  };

  describe('brings broadcasts', () => {
    test('to every process that runs the operation, once to each, beside the one that handles the event', async () => {
      const [one, two] = [hearer(), hearer()];
      const bench = await open(one.platform);
      const { host } = await begin(bench, one);
      await begin(bench, two);
      for (const text of ['a', 'b', 'c']) await noteOn(host, text);
      await eventually(bench, async () => one.texts().length >= 3 && two.texts().length >= 3, 'all events at both');
      for (let more = 0; more < 3; more++) await bench.tick();
      expect([one.texts().sort(), two.texts().sort()]).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ]);
      expect(await bench.dead()).toEqual([]);
    });

    test('after telling a process that it may miss something and letting it catch up, and not what was before', async () => {
      const told = hearer();
      const bench = await open(told.platform);
      const relay = await bench.start({ platform: [service('probe', [note])] });
      await noteOn(relay.host, 'before');
      await eventually(bench, async () => (await bench.rig.store.messages.depth(OUTBOX)).count === 0, 'its way');
      await begin(bench, told);
      await noteOn(relay.host, 'after');
      await eventually(bench, async () => told.texts().length > 0, 'the event');
      expect(told.all.slice(0, 2)).toEqual(['missed', 'caught up']);
      expect(told.texts()).toEqual(['after']);
    });

    test('to nobody without an error and without leaving anything', async () => {
      const told = hearer();
      const [probe] = probePlatform();
      const silent = probe!.operations.filter((op) => !op.subscription);
      const hears = told.platform[0]!.operations.filter(({ subscription }) => subscription?.broadcast);
      const bench = await open([service('probe', [...silent, ...hears])]);
      const { host } = await bench.start({ platform: [service('probe', silent)] });
      // somebody was there, and is gone
      const gone = await begin(bench, { ...told, platform: [service('probe', [...silent, ...hears])] });
      await eventually(bench, async () => (await bench.ears()) > 0, 'what stands for it');
      await gone.stop();
      await eventually(bench, async () => (await bench.ears()) === 0, 'nothing that stands for it');
      await noteOn(host, 'to nobody');
      await eventually(
        bench,
        async () => (await bench.rig.store.messages.depth(OUTBOX)).count === 0,
        'the empty outbox',
      );
      expect(told.texts()).toEqual([]);
      // what an earlier test left may still arrive among the dead
      const dead = (await bench.dead()).filter(({ content }) => content.includes('to nobody'));
      expect([dead, await bench.ears()]).toEqual([[], 0]);
      const errors = bench.rig.logged.filter(({ level, code }) => level === 'error' && /^(bus|broadcast)\./.test(code));
      expect(errors).toEqual([]);
      // what lists the queues of a broker is a program of its own each time, which a busy machine starts slowly
    }, 60_000);

    test('once, also to an operation that fails: it is told that it missed one, and catches up', async () => {
      let failing = true;
      const told = hearer((text) => {
        if (text === 'fails' && failing) throw new AppError('unavailable');
      });
      const bench = await open(told.platform);
      const { host } = await begin(bench, told);
      const before = told.all.length;
      await noteOn(host, 'fails');
      await eventually(bench, async () => told.all.slice(before).includes('caught up'), 'its catching up');
      failing = false;
      await noteOn(host, 'works');
      await eventually(bench, async () => told.texts().includes('works'), 'the next event');
      expect(told.all.slice(before)).toEqual(['missed', 'caught up', 'works']);
      expect(await bench.dead()).toEqual([]);
    });

    test('after the operation has caught up, however often that takes', async () => {
      const atTries: number[] = [];
      const told: Told = hearer(undefined, () => {
        if (atTries.push(told.all.length) <= 2) throw new AppError('unavailable');
      });
      const bench = await open(told.platform);
      const { host } = await bench.start({ platform: told.platform });
      await noteOn(host, 'meanwhile');
      await eventually(bench, async () => told.all.includes('caught up'), 'its third try');
      await noteOn(host, 'later');
      await eventually(bench, async () => told.texts().includes('later'), 'the event');
      expect(atTries.slice(0, 3)).toEqual([1, 1, 1]);
      expect(told.all.slice(0, 2)).toEqual(['missed', 'caught up']);
    });
  });
};
