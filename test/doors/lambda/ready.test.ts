import { expect, test, vi } from 'vitest';
import { readiness } from '../../../shared/doors/lambda/ready.ts';

const NOW = 1_795_348_800_000;

/** What functions reach, in the state that is said. */
const given = ({ waiting = [] as number[], ping = async () => {}, jwks = async () => ({ keys: [] }) } = {}) => {
  const log = { debug() {}, info() {}, warn: vi.fn(), error() {} };
  const peek = async () => waiting.map((available_at) => ({ available_at }));
  const store = { ping: vi.fn(ping), messages: { peek } };
  return { clock: { now: () => NOW }, log, keys: { jwks }, store } as any;
};
const states = async (ports: any) => {
  const { ready, checks } = await readiness()(ports);
  return { ready, ...Object.fromEntries(Object.entries(checks).map(([name, { status }]) => [name, status])) };
};
const away = async () => {
  throw new Error('postgres://user:hunter2@db is away');
};

test('functions are ready when the store takes writes, keys are there and events leave', async () => {
  expect(await states(given())).toEqual({ ready: true, store: 'ok', keys: 'ok', bus: 'ok' });
});

test('a store or keys that are away make them unready; the log says why, the answer does not', async () => {
  const ports = given({ ping: away });
  expect(await states(ports)).toMatchObject({ ready: false, store: 'unavailable' });
  expect(ports.log.warn).toHaveBeenCalledWith('ready.failed', expect.objectContaining({ check: 'store' }));
  expect(await states(given({ jwks: away }))).toMatchObject({ ready: false, keys: 'unavailable', store: 'ok' });
});

test('events that wait over a minute are shown, and requests are answered all the same; those due later do not count', async () => {
  expect(await states(given({ waiting: [NOW + 3_600_000, NOW - 61_000] }))).toMatchObject({
    ready: true,
    bus: 'degraded',
  });
  expect(await states(given({ waiting: [NOW + 3_600_000, NOW - 5_000] }))).toMatchObject({ bus: 'ok' });
});

test('who asks often does not make it write often', async () => {
  const [ask, ports] = [readiness(), given()];
  await Promise.all(Array.from({ length: 50 }, () => ask(ports)));
  expect(ports.store.ping).toHaveBeenCalledTimes(1);
});
