/** Frames that are committed in one process, for listeners whose WebSockets another one holds: over a real RabbitMQ. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startRabbitmq } from '../engines/rabbitmq.ts';
import { ms, type Row, timeRow } from './bench.ts';
import { type Program, start } from './processes.ts';
import type { ClientsReport } from './programs/realtime-clients.ts';

const [USERS, RATE, SECONDS, P99_MS] = [1_000, 500, 8, 100];
/** What a queue or a socket may still hold when the last one is sent. */
const LATE_MS = 2_000;

/**
 * From the commit of a frame in process A, by outbox, relay and broker, to the socket that process B holds.
 *
 * @param grow opens so many connections to a server
 */
export const fanOut = async (
  options: Parameters<typeof start>[1],
  grow: (server: Program, clients: Program, url: string, from: number, to: number) => Promise<number>,
): Promise<Row[]> => {
  const broker = await startRabbitmq();
  try {
    const program = (): Program =>
      start('test/bench/programs/realtime-server.ts', {
        ...options,
        core: undefined,
        env: { ...options?.env, BUS_URL: broker.url },
      });
    const [told, holding] = [program(), program()];
    const clients = start('test/bench/programs/realtime-clients.ts');
    const url = await holding.ask<string>('where');
    await told.ask('where');
    await grow(holding, clients, url, 0, USERS);
    const commit = (seconds: number) => told.ask<number>({ commit: { users: USERS, rate: RATE, seconds } });
    await commit(4);
    await sleep(LATE_MS);
    await clients.ask('report');
    const sent = await commit(SECONDS);
    await sleep(LATE_MS);
    const { frames, p50, p99 } = await clients.ask<ClientsReport>('report');
    await Promise.all([told, holding, clients].map((each) => each.stop()));
    return [
      timeRow(
        `realtime, ${USERS.toLocaleString('en')} open in one process, ${RATE} frames/s committed in another, over RabbitMQ: p99`,
        p99,
        P99_MS,
      ),
      {
        what: `  committed and heard, p50 ${ms(p50)}`,
        measured: `${sent} and ${frames}`,
        baseline: '',
        bound: 'all',
        ok: sent === frames,
      },
    ];
  } finally {
    await broker.close();
  }
};
