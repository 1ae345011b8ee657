/** Events: over a real RabbitMQ that shares the machine, beside amqplib by hand; and from commit to consumer without a broker. */
import { startRabbitmq } from '../engines/rabbitmq.ts';
import { alternate, type Bench, ms, perSecond, type Row, ratioRow, timeRow } from './bench.ts';
import { start } from './processes.ts';
import type { EventsOrder, EventsOutcome } from './programs/events.ts';

const RATE = 10_000;
const SECONDS = 30;
const P99_MS = 100;
const ROUNDS = 3;
const ROUND_SECONDS = 5;
const LEAST = 0.7;
const MILLION = 1_000_000;
/** What a heap may differ by chance. */
const FLAT_BYTES = 10_000_000;
const COMMIT_TO_CONSUMER_MS = 20;

const overRabbit = async (): Promise<Row[]> => {
  const server = await startRabbitmq();
  try {
    const program = start('test/bench/programs/events.ts', { node: ['--expose-gc'], env: { BUS_URL: server.url } });
    const run = (order: EventsOrder): Promise<EventsOutcome> => program.ask(order);
    await run({ way: 'ours', seconds: 2 });
    await run({ way: 'bare', seconds: 2 });
    const sustained = await run({ way: 'ours', seconds: SECONDS, rate: RATE });
    let { messages, lost } = sustained;
    const most = await alternate(
      ROUNDS,
      async () => {
        const outcome = await run({ way: 'ours', seconds: ROUND_SECONDS });
        messages += outcome.messages;
        lost += outcome.lost;
        return outcome.per_second;
      },
      async () => (await run({ way: 'bare', seconds: ROUND_SECONDS })).per_second,
    );
    let { heap } = sustained;
    while (messages < MILLION) {
      const outcome = await run({ way: 'ours', seconds: ROUND_SECONDS });
      messages += outcome.messages;
      lost += outcome.lost;
      heap = outcome.heap;
    }
    await program.stop();
    const what = 'events over RabbitMQ, confirms and acks';
    return [
      {
        what: `${what}, for ${SECONDS} s`,
        measured: perSecond(sustained.per_second),
        baseline: '',
        bound: `≥ ${perSecond(RATE)}`,
        // the last messages arrive after the time is over
        ok: sustained.per_second >= RATE * 0.995,
      },
      timeRow(
        `${what}, p99 from due to handled at ${perSecond(RATE)} (p50 ${ms(sustained.p50)})`,
        sustained.p99,
        P99_MS,
      ),
      ratioRow(`${what}, most`, most, LEAST),
      {
        what: `${what}, lost of ${messages.toLocaleString('en')}`,
        measured: `${lost}`,
        baseline: '',
        bound: '0',
        ok: lost === 0,
      },
      {
        what: `${what}, heap after a million beside after ${(SECONDS * RATE).toLocaleString('en')}`,
        measured: `${(heap / 1e6).toFixed(1)} MB`,
        baseline: `${(sustained.heap / 1e6).toFixed(1)} MB`,
        bound: `+ ${FLAT_BYTES / 1e6} MB`,
        ok: heap < sustained.heap + FLAT_BYTES,
      },
    ];
  } finally {
    await server.close();
  }
};

const embedded = async (): Promise<Row> => {
  const program = start('test/bench/programs/commit-to-consumer.ts');
  const { p50, p99 } = await program.ask<{ p50: number; p99: number }>({ events: 2_000 });
  await program.stop();
  const what = `events on the embedded bus, commit to consumer, p50 (p99 ${ms(p99)})`;
  return timeRow(what, p50, COMMIT_TO_CONSUMER_MS);
};

export const bench: Bench = { name: 'events', run: async () => [...(await overRabbit()), await embedded()] };
