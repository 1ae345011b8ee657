/** Listeners over WebSockets: a thousand at 10,000 frames a second, ten thousand open at once, everybody told at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, ms, type Row, timeRow } from './bench.ts';
import { type Program, start } from './processes.ts';
import type { ClientsReport } from './programs/realtime-clients.ts';

const SECONDS = 8;
const [FEW, FEW_RATE, FEW_P99_MS] = [1_000, 10_000, 50];
const [MANY, MANY_RATE, MANY_P99_MS] = [10_000, 5_000, 50];
const MOST_MB = 250;
const MOST_BLOCKED_MS = 20;
/** Tickets that are made before they are used: each lives for 30 s. */
const BATCH = 1_000;

const boundRow = (what: string, measured: string, bound: string, ok: boolean): Row => ({
  ...{ what, measured, baseline: '', bound, ok },
});

const grow = async (server: Program, clients: Program, url: string, from: number, to: number): Promise<number> => {
  let failed = 0;
  for (let at = from; at < to; at += BATCH) {
    const tickets = await server.ask<string[]>({ tickets: { from: at, count: Math.min(BATCH, to - at) } });
    failed += await clients.ask<number>({ open: { url, tickets } });
  }
  return failed;
};

const pushed = async (
  server: Program,
  clients: Program,
  users: number,
  rate: number,
  bound: number,
): Promise<Row[]> => {
  await server.ask({ push: { users, rate, seconds: 2 } });
  await sleep(500);
  await clients.ask('report');
  const sent = await server.ask<number>({ push: { users, rate, seconds: SECONDS } });
  await sleep(1_000);
  const { frames, p50, p99 } = await clients.ask<ClientsReport>('report');
  const [open, told] = [users.toLocaleString('en'), rate.toLocaleString('en')];
  return [
    timeRow(`realtime, ${open} open, ${told} frames/s: p99`, p99, bound),
    boundRow(`  told and heard, p50 ${ms(p50)}`, `${sent} and ${frames}`, 'all', sent === frames),
  ];
};

export const bench: Bench = {
  name: 'realtime',
  run: async () => {
    // as `npm start` runs it
    const node = ['--expose-gc', '--max-semi-space-size=4'];
    const env = { MALLOC_ARENA_MAX: '2' };
    const server = start('test/bench/programs/realtime-server.ts', { core: 0, node, env });
    const clients = start('test/bench/programs/realtime-clients.ts', { core: 1 });
    const url = await server.ask<string>('where');
    const empty = await server.ask<number>('memory');
    const failed = await grow(server, clients, url, 0, FEW);
    const rows = await pushed(server, clients, FEW, FEW_RATE, FEW_P99_MS);
    const started = performance.now();
    const refused = failed + (await grow(server, clients, url, FEW, MANY));
    const seconds = (performance.now() - started) / 1_000;
    rows.push(
      boundRow(
        `${MANY - FEW} connections made in ${seconds.toFixed(1)} s: refused`,
        String(refused),
        '0',
        refused === 0,
      ),
    );
    rows.push(...(await pushed(server, clients, MANY, MANY_RATE, MANY_P99_MS)));
    const blocked = await server.ask<number>({ broadcast: { users: MANY } });
    rows.push(timeRow(`  everybody told at once: the loop stood still for at most`, blocked, MOST_BLOCKED_MS));
    const mb = (await server.ask<number>('memory')) / 1e6;
    const measured = `${Math.round(mb)} MB`;
    rows.push(
      boundRow(
        `  memory of the process, empty ${Math.round(empty / 1e6)} MB`,
        measured,
        `< ${MOST_MB} MB`,
        mb < MOST_MB,
      ),
    );
    return rows;
  },
};
