/** From the answer of who revokes to the first refusal at each of three sidecars, which have other things to do. */
import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { AuthServiceService } from '../../proto/gen/auth_service.ts';
import { startRabbitmq } from '../engines/rabbitmq.ts';
import { ms, type Row } from './bench.ts';
import { startPlatform } from './platform.ts';
import { type SidecarProgram, startSidecar } from './sidecars.ts';

const SIDECARS = 3;
const CALLS = 2_000;
const TICK_MS = 5;
const P99_MS = 100;
const { path, requestSerialize, responseDeserialize } = AuthServiceService.validateToken;

const askedOf = (client: Client, token: string): Promise<boolean> =>
  new Promise((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { token }, (error, answer) =>
      error ? reject(error) : resolve(answer!.valid!),
    ),
  );

/** Ms until each of the clients refuses a token, the slowest last. */
const refusals = async (http: number, clients: readonly Client[], token: string): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${http}/api/v1/auth/revoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  await response.text();
  const revoked = performance.now();
  const until = async (client: Client): Promise<number> => {
    while (await askedOf(client, token));
    return performance.now() - revoked;
  };
  return Math.max(...(await Promise.all(clients.map(until))));
};

const measure = async (
  what: string,
  http: number,
  sidecars: readonly SidecarProgram[],
  tokens: readonly string[],
  busy: readonly string[],
): Promise<Row> => {
  const clients = sidecars.map(({ grpc }) => new Client(`127.0.0.1:${grpc}`, credentials.createInsecure()));
  let [calls, unknown] = [0, 0];
  // by a timer, for a load that never sleeps would take the cores from those that are measured
  const working = setInterval(() => {
    for (let n = 0; n < (CALLS * TICK_MS) / 1_000; n += 1, calls += 1)
      askedOf(clients[calls % SIDECARS]!, busy[calls % busy.length]!).catch(() => {
        unknown += 1;
      });
  }, TICK_MS);
  const times: number[] = [];
  for (const token of tokens) times.push(await refusals(http, clients, token));
  clearInterval(working);
  for (const client of clients) client.close();
  times.sort((one, two) => one - two);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  return {
    what: `revoked to refused at ${SIDECARS} sidecars, ${what}, ${times.length} times: p50, p99, max`,
    measured: [at(0.5), at(0.99), at(1)].map(ms).join(', '),
    baseline: `${calls} calls, ${unknown} unknown`,
    bound: `p99 < ${P99_MS} ms`,
    ok: at(0.99) < P99_MS,
  };
};

const residentMb = ({ program }: SidecarProgram): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))![1]) / 1_024;

/** Both ways of a revocation to sidecars, and what one of them then holds in memory. */
export const latencies = async (
  folder: string,
  origin: { http: number; grpc: number; stop(): Promise<void> },
  tokens: readonly string[],
  busy: readonly string[],
  most: number,
): Promise<Row[]> => {
  const startAll = (env: Record<string, string> = {}, at = origin) =>
    Promise.all(Array.from({ length: SIDECARS }, () => startSidecar(folder, at, { env })));
  const half = Math.floor(tokens.length / 2);
  const sidecars = await startAll();
  const rows = [await measure('over gRPC', origin.http, sidecars, tokens.slice(0, half), busy)];
  for (const { program } of sidecars) await program.stop();
  await origin.stop();

  const broker = await startRabbitmq();
  try {
    const other = await startPlatform(folder, { env: { BUS_URL: broker.url } });
    const followers = await startAll({ SIDECAR_FEED: broker.url }, other);
    rows.push(await measure('over RabbitMQ', other.http, followers, tokens.slice(half), busy));
    const resident = Math.max(...followers.map(residentMb));
    for (const { program } of followers) await program.stop();
    await other.stop();
    rows.push({
      what: 'memory of such a sidecar after that',
      measured: `${resident.toFixed(0)} MB`,
      baseline: '',
      bound: `< ${most} MB`,
      ok: resident < most,
    });
  } finally {
    await broker.close();
  }
  return rows;
};
