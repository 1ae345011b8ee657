/** No input of any operation, through any door, is answered with 5xx, holds the loop for long, or reaches the log. */
import { Client, credentials, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform as services } from '../../functions/index.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { ERRORS } from '../../shared/kit/errors.ts';
import { type Operation, streams } from '../../shared/kit/operation.ts';
import { createLog } from '../../shared/system/log.ts';
import { rawCall } from '../doors/grpc/raw-call.ts';
import { definitionOf, toMessage } from '../e2e/doors/grpc.ts';
import type { CallOptions, Door } from '../e2e/world.ts';
import { inputsOf } from './arbitrary.ts';
import { DOORS, openRig, type Rig } from './rig.ts';
import { samples } from './samples/index.ts';

/** `PERFECT21_TEST_FUZZ_RUNS=1000 npm test -- test/table/fuzz` looks longer. */
const RUNS = Number(process.env.PERFECT21_TEST_FUZZ_RUNS ?? 20);
const MOST_CPU_MS = 50;
/** In every text that a run sends. */
const CANARY = 'c4n4ry';

const operations = services
  .flatMap(({ operations: all }) => all)
  .filter(({ http, rpc }) => http.length > 0 || rpc.length > 0);

const marked = (value: unknown): unknown => {
  if (typeof value === 'string') return value.length > 8 ? value : `${value}${CANARY}`;
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, marked(each)]));
  }
  return value;
};

/** CPU of this thread in ms, which holds the door, the operation and this client. */
const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
};

describe('whatever is sent', () => {
  let rig: Rig;
  const logged: string[] = [];
  const doors = new Map<string, Door & { close?(): unknown }>();
  beforeAll(async () => {
    const log = createLog('debug', { write: (line: string) => void logged.push(line) });
    rig = await openRig({}, [adapter({ port: 'log', open: () => ({ port: log }) })]);
    for (const [name, { open }] of Object.entries(DOORS)) doors.set(name, open(rig.platform));
  }, 60_000);
  afterAll(async () => {
    for (const door of doors.values()) await door.close?.();
    await rig?.close();
  });

  const send = async (door: Door, op: Operation<any, any>, input: object, options: CallOptions): Promise<void> => {
    let code: string | undefined;
    const spent = () =>
      cpuOf(async () => {
        code = (await door.call(op, input, options)).code;
      });
    let cpu = await spent();
    if (code !== undefined) expect([code, ERRORS[code as keyof typeof ERRORS].http < 500]).toEqual([code, true]);
    // a collection of garbage or a first compilation may have fallen into it
    for (let again = 0; cpu > MOST_CPU_MS && again < 2; again++) cpu = Math.min(cpu, await spent());
    expect(cpu).toBeLessThan(MOST_CPU_MS);
  };

  for (const op of operations) {
    for (const [name, { brings }] of Object.entries(DOORS)) {
      // a client of gRPC can't even write most of these: RPCs get bytes below
      if (!brings(op) || name === 'gRPC') continue;
      test(`to ${op.name} through ${name} is answered, soon, and not logged`, { timeout: 120_000 }, async () => {
        const { input, token } = await samples[op.name]!(rig.world);
        const door = doors.get(name)!;
        const property = fc.asyncProperty(inputsOf(op, input), async (sent) => {
          await send(door, op, marked(sent) as object, { token });
        });
        await fc.assert(property, { numRuns: RUNS });
        expect(logged.filter((line) => line.includes(CANARY)).slice(0, 3)).toEqual([]);
        logged.length = 0;
      });
    }
  }

  test('as bytes to any RPC is answered with a status that blames the sender', { timeout: 120_000 }, async () => {
    const client = new Client(`127.0.0.1:${rig.platform.grpc.port}`, credentials.createInsecure());
    const ours: number[] = [status.INTERNAL, status.UNKNOWN, status.UNAVAILABLE, status.DATA_LOSS];
    const whole = await Promise.all(
      // a stream is answered and goes on
      operations
        .filter((op) => !streams(op))
        .flatMap((op) =>
          op.rpc.map(async ({ method }) => {
            const { input } = await samples[op.name]!(rig.world);
            return { method, bytes: [...definitionOf(method).requestSerialize(toMessage(input))] };
          }),
        ),
    );
    const broken = fc.constantFrom(...whole).chain(({ method, bytes }) =>
      fc
        .array(fc.tuple(fc.nat(bytes.length), fc.nat(3), fc.array(fc.nat(255), { maxLength: 4 })), { maxLength: 3 })
        .map((cuts) => {
          const cut = [...bytes];
          for (const [at, length, put] of cuts) cut.splice(at, length, ...put);
          return { method, bytes: cut };
        }),
    );
    const random = fc.record({
      method: fc.constantFrom(...whole.map(({ method }) => method)),
      bytes: fc.array(fc.nat(255), { maxLength: 400 }),
    });
    const property = fc.asyncProperty(fc.oneof(broken, random), async ({ method, bytes }) => {
      const token = rig.world.service_token;
      const { code, details } = await rawCall(client, `/${method}`, Uint8Array.from(bytes), { token });
      expect([details, ours.includes(code)]).toEqual([details, false]);
    });
    await fc.assert(property, { numRuns: RUNS * 20 });
    client.close();
  });
});
