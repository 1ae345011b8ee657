/** Listeners over WebSockets: a thousand at 10,000 frames a second, ten thousand open, everybody told at once, two processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, ms, type Row, timeRow } from './bench.ts';
import { fanOut } from './fan-out.ts';
import { AS_STARTED } from './platform.ts';
import { type Program, start } from './processes.ts';
import { processorMs } from './processor.ts';
import type { ClientsReport } from './programs/realtime-clients.ts';

const SECONDS = 8;
const [FEW, FEW_RATE, FEW_P99_MS] = [1_000, 10_000, 50];
const [MANY, MANY_RATE, MANY_P99_MS] = [10_000, 5_000, 50];
const MOST_MB = 250;
const MOST_BLOCKED_MS = 20;
/** Tickets that are made before they are used: each lives for 30 s. */
const BATCH = 1_000;
/** Of what a bare server takes for a frame. */
const MOST_TIMES = 3;

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

interface Pushed extends ClientsReport {
  sent: number;
  /** Microseconds of processor time of the server a frame. */
  each: number;
}

const push = async (server: Program, clients: Program, users: number, rate: number): Promise<Pushed> => {
  await server.ask({ push: { users, rate, seconds: 2 } });
  await sleep(500);
  await clients.ask('report');
  const before = processorMs(server.child.pid!);
  const sent = await server.ask<number>({ push: { users, rate, seconds: SECONDS } });
  const each = ((processorMs(server.child.pid!) - before) * 1_000) / sent;
  await sleep(1_000);
  return { ...(await clients.ask<ClientsReport>('report')), sent, each };
};

const pushed = async (
  server: Program,
  clients: Program,
  users: number,
  rate: number,
  bound: number,
  bare?: Pushed,
): Promise<Row[]> => {
  const { sent, each, frames, p50, p99 } = await push(server, clients, users, rate);
  const [open, told] = [users.toLocaleString('en'), rate.toLocaleString('en')];
  const processor = bare && {
    what: '  processor time of the server a frame',
    measured: `${each.toFixed(1)} µs`,
    baseline: `${bare.each.toFixed(1)} µs`,
    bound: `${(each / bare.each).toFixed(1)} ≤ ${MOST_TIMES} ×`,
    ok: each <= MOST_TIMES * bare.each,
  };
  return [
    timeRow(`realtime, ${open} open, ${told} frames/s: p99`, p99, bound, bare?.p99),
    boundRow(`  told and heard, p50 ${ms(p50)}`, `${sent} and ${frames}`, 'all', sent === frames),
    ...(processor ? [processor] : []),
  ];
};

/** As `npm start` runs it. */
const SERVER = { ...AS_STARTED, core: 0 } as const;

/** Bytes of a process that nobody listens to, and of the same with everybody. */
interface Memory {
  empty: number;
  full: number;
}
const told = ({ empty, full }: Memory): string =>
  `${Math.round(full / 1e6)} MB, ${((full - empty) / MANY / 1e3).toFixed(1)} kB each`;

/** The same frames at the same rate from a server that does nothing else. */
const pushedBare = async (): Promise<Pushed & Memory> => {
  const server = start('test/bench/programs/bare-sockets.ts', SERVER);
  const clients = start('test/bench/programs/realtime-clients.ts', { core: 1 });
  const url = await server.ask<string>('where');
  const empty = await server.ask<number>('memory');
  await grow(server, clients, url, 0, FEW);
  const bare = await push(server, clients, FEW, FEW_RATE);
  await grow(server, clients, url, FEW, MANY);
  await server.ask({ push: { users: MANY, rate: MANY_RATE, seconds: SECONDS } });
  const full = await server.ask<number>('memory');
  await Promise.all([server.stop(), clients.stop()]);
  return { ...bare, empty, full };
};

export const bench: Bench = {
  name: 'realtime',
  run: async () => {
    const bare = await pushedBare();
    const server = start('test/bench/programs/realtime-server.ts', SERVER);
    const clients = start('test/bench/programs/realtime-clients.ts', { core: 1 });
    const url = await server.ask<string>('where');
    const empty = await server.ask<number>('memory');
    const failed = await grow(server, clients, url, 0, FEW);
    const rows = await pushed(server, clients, FEW, FEW_RATE, FEW_P99_MS, bare);
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
    const full = await server.ask<number>('memory');
    rows.push({
      what: `  memory of the process, empty ${Math.round(empty / 1e6)} MB (bare ${Math.round(bare.empty / 1e6)} MB)`,
      measured: told({ empty, full }),
      baseline: told(bare),
      bound: `< ${MOST_MB} MB`,
      ok: full < MOST_MB * 1e6,
    });
    await Promise.all([server.stop(), clients.stop()]);
    return [...rows, ...(await fanOut(SERVER, grow))];
  },
};
