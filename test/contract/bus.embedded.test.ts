/** The promises of the bus on the queues in the store. */
import { RETRY_STEPS } from '../../shared/messaging/backoff.ts';
import { DEAD, type DeadLetter } from '../../shared/messaging/dead-letters.ts';
import { startWorker } from '../../shared/process/worker.ts';
import { hostOf, Life } from '../messaging/life.ts';
import { openRig, probeCollections, QUEUE, TestClock } from '../messaging/rig.ts';
import type { Bench, BusHarness, Running, Traits } from './bus-harness.ts';
import { busContract } from './bus-suite.ts';

const clock = new TestClock();
const traits: Traits = {
  order: 'past a retry',
  tries: RETRY_STEPS.length + 1,
  // the clock moves a second at a time
  backoff: { steps: RETRY_STEPS, spread: 0.2, early: 0, late: 1_000, now: () => clock.now() },
  poison: { notJson: 'invalid envelope', noEnvelope: 'invalid envelope' },
  priorities: 'all ten',
  full: 'the oldest become dead letters',
  tellsUnroutable: true,
  catchUps: 2,
  held: (prefetch) => prefetch,
  deaths: 25,
  dies: ['before', 'after'],
};

const bodyOf = (content: string): unknown => {
  try {
    return { envelope: JSON.parse(content), routing_key: 'probe.events.noted', priority: 0 };
  } catch {
    return content;
  }
};
const contentOf = (body: unknown): string => {
  const { envelope } = body as { envelope?: object };
  return envelope ? JSON.stringify(envelope) : String(body);
};

const open: BusHarness['open'] = async (platform, limits): Promise<Bench> => {
  const rig = await openRig({ platform, collections: probeCollections, clock });
  const { messages } = rig.store;
  const running = new Map<Running, Life>();
  let injected = 0;

  const start: Bench['start'] = async ({ life = new Life(), prefetch, consume, platform: runs = platform } = {}) => {
    const host = hostOf(rig.host, life);
    const worker = startWorker(host, runs, { prefetch, consume, limits, grace_ms: 0 });
    const own: Running = {
      host,
      drain: worker.drain,
      stop: async () => {
        running.delete(own);
        await worker.stop();
      },
    };
    running.set(own, life);
    return own;
  };
  const drain = async () => {
    for (const [each, life] of running) if (!life.over) await each.drain();
  };

  return {
    rig,
    start,
    inject: (content) =>
      rig.store.transact([], {
        enqueue: [{ queue: QUEUE, id: `injected-${++injected}`, available_at: clock.now(), body: bodyOf(content) }],
      }),
    waiting: async () => (await messages.depth(QUEUE)).count,
    dead: async () =>
      (await messages.peek(DEAD, 100)).map(({ reason, body }) => ({
        content: contentOf((body as DeadLetter).body),
        reason: reason!,
      })),
    tick: async () => {
      await drain();
      clock.pass(1_000);
    },
    // the bus is in the store, so what dies and comes back is the process that moves messages
    interrupt: async () => {
      for (const life of running.values()) life.end();
    },
    resume: async () => {
      for (const each of [...running.keys()]) await each.stop();
      await start();
    },
    // the word of one that is over waits for the next relay (test/messaging/broadcast.test.ts)
    ears: async () =>
      (await messages.peek('perfect21.tails', 100)).filter(
        ({ body }) => (body as { until: number }).until > clock.now(),
      ).length,
    close: async () => {
      for (const each of [...running.keys()]) await each.stop();
      await rig.close();
    },
  };
};

busContract('the store', traits, async () => ({ open, close: async () => {} }));
