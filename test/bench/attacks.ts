/** What a polite client notices while others ask for more than their share, and what they leave behind in memory. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { type Bench, type Row, timeRow } from './bench.ts';
import { startPlatform, withFolder } from './platform.ts';
import { start } from './processes.ts';
import type { Attack } from './programs/attacker.ts';

const ROUNDS = 3;
const EVERY_MS = 25;
const P99_MS = 100;
const RESIDENT_MB = 350;
/** What the polite clients may be late by themselves: they share a core with the attacker. */
const OWN_P99_MS = 20;

const ATTACKS: readonly Omit<Attack, 'port'>[] = [
  { kind: 'flood', door: 'http' },
  { kind: 'bodies', door: 'http' },
  { kind: 'resets', door: 'http' },
  { kind: 'flood', door: 'grpc' },
  { kind: 'bodies', door: 'grpc' },
  { kind: 'resets', door: 'grpc' },
];

const timed = (ask: (done: () => void) => void): Promise<number> =>
  new Promise((resolve) => {
    const started = performance.now();
    ask(() => resolve(performance.now() - started));
  });

/** Asks at a steady rate until it is told to stop; gives the latencies. A failure counts as the time that it took. */
const politely = (ask: (done: () => void) => void) => {
  let asking = true;
  const latencies: Promise<number>[] = [];
  const asked = (async () => {
    while (asking) {
      latencies.push(timed(ask));
      await sleep(EVERY_MS);
    }
  })();
  return async (): Promise<number[]> => {
    asking = false;
    await asked;
    return Promise.all(latencies);
  };
};

const p99 = (latencies: number[]): number =>
  latencies.sort((one, two) => one - two)[Math.floor(latencies.length * 0.99)]!;

/** Of a process, MB. */
const residentOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;

export const bench: Bench = {
  name: 'attacks',
  run: () =>
    withFolder(async (folder) => {
      const platform = await startPlatform(folder);
      const attacker = start('test/bench/programs/attacker.ts');
      const client = new Client(`127.0.0.1:${platform.grpc}`, credentials.createInsecure());
      const bytes = (buffer: Buffer) => buffer;
      const message = Buffer.from([0x0a, 1, 0x74]);
      const ask = {
        'HTTP/1.1': (done: () => void) =>
          void request({ port: platform.http, path: '/healthz', agent: false }, (answer) =>
            answer.resume().on('end', done),
          )
            .on('error', done)
            .end(),
        gRPC: (done: () => void) =>
          void client.makeUnaryRequest('/perfect21.auth.AuthService/ValidateToken', bytes, bytes, message, () =>
            done(),
          ),
      };
      const rows: Row[] = [];
      const quiet = Object.values(ask).map(politely);
      await sleep(1_000);
      const [one = [], two = []] = await Promise.all(quiet.map((stop) => stop()));
      const baseline = Math.max(p99(one), p99(two));
      const before = residentOf(platform.program.child.pid!);
      let most = before;
      const own = monitorEventLoopDelay({ resolution: 1 });
      own.enable();
      for (const { kind, door } of ATTACKS) {
        const running = Object.entries(ask).map(([name, each]) => [name, politely(each)] as const);
        for (let round = 0; round < ROUNDS; round += 1)
          await attacker.ask({ kind, door, port: platform[door] } satisfies Attack);
        for (const [name, stop] of running)
          rows.push(
            timeRow(`p99 of a polite ${name} client, ${kind} at the ${door} port`, p99(await stop()), P99_MS, baseline),
          );
        most = Math.max(most, residentOf(platform.program.child.pid!));
      }
      own.disable();
      client.close();
      await attacker.stop();
      await platform.stop();
      rows.push(timeRow('of it at most the clients’ own: p99 of their loop', own.percentile(99) / 1e6, OWN_P99_MS));
      rows.push({
        what: 'resident memory after all attacks',
        measured: `${Math.round(most)} MB`,
        baseline: `${Math.round(before)} MB`,
        bound: `< ${RESIDENT_MB} MB`,
        ok: most < RESIDENT_MB,
      });
      return rows;
    }),
};
