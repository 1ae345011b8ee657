import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MOST_WAITING } from '../../shared/delivery/realtime/channel.ts';
import { createHub } from '../../shared/delivery/realtime/hub.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { pour } from '../../shared/kit/told-rows.ts';
import type { Channel, Frame } from '../../shared/ports/realtime.ts';
import type { Finding } from '../../shared/ports/revocations.ts';

let now = 1_000_000;
let found: Finding | undefined | Error;
let hub: ReturnType<typeof createHub>;
const gauges: number[] = [];

const open = (rate_limits = 1): typeof hub => {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const find = () => {
    if (found instanceof Error) throw found;
    return found;
  };
  return createHub({
    clock: { now: () => now },
    ids: { uuid: () => 'id', random: () => 'random' },
    log: quiet,
    metrics: { count() {}, observe() {}, gauge: (_, __, value) => void gauges.push(value) },
    revocations: { find, learn() {} },
    settings: { rate_limits },
  });
};
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  found = undefined;
  now = 1_000_000;
  gauges.length = 0;
  hub = open();
});
afterEach(() => {
  hub.close();
  vi.useRealTimers();
});

const listener = (user_id = 'ada', session_id = 's1') => ({
  user_id,
  session_id,
  jti: 'j',
  generation: 1,
  expires_at: 2_000,
});
const frame = (id: string): Frame => ({ id, type: 'notification', at: 1, data: {} });
/** All that comes until it ends, and the code that it ends with. */
const rest = async (channel: Channel): Promise<[string[], string | undefined]> => {
  const ids: string[] = [];
  try {
    await pour(channel, (item) => {
      ids.push('renew' in item ? 'renewal' : 'missed_since' in item ? `gap ${item.missed_since}` : item.id);
    });
    return [ids, undefined];
  } catch (thrown) {
    return [ids, (thrown as AppError).code];
  }
};

test('frames of a user reach all of his channels and nobody else, in order, and wait for who is not reading yet', async () => {
  const [one, two, other] = [hub.port.open(listener()), hub.port.open(listener()), hub.port.open(listener('eve'))];
  for (const id of ['a', 'b', 'c']) hub.port.tell('ada', frame(id));
  hub.close();
  expect(await rest(one)).toEqual([['a', 'b', 'c'], 'unavailable']);
  expect(await rest(two)).toEqual([['a', 'b', 'c'], 'unavailable']);
  expect(await rest(other)).toEqual([[], 'unavailable']);
});

test('who does not take frames is told so instead of filling the memory, and others go on', async () => {
  const [slow, quick] = [hub.port.open(listener()), hub.port.open(listener())];
  const heard = rest(quick);
  for (let n = 0; n <= MOST_WAITING; n += 1) {
    hub.port.tell('ada', frame(String(n)));
    if (n % 100 === 0) await Promise.resolve();
  }
  expect(await rest(slow)).toEqual([[], 'too_many_requests']);
  expect(gauges.at(-1)).toBeLessThanOrEqual(1);
  hub.close();
  await heard;
});

test('a revocation ends a channel without any event, within half a second', async () => {
  const channel = hub.port.open(listener());
  const heard = rest(channel);
  found = 'revoked';
  vi.advanceTimersByTime(500);
  expect(await heard).toEqual([['id'], 'unauthenticated']);
});

test('permissions that changed end nothing', async () => {
  const channel = hub.port.open(listener());
  found = 'permissions_changed';
  vi.advanceTimersByTime(500);
  hub.port.tell('ada', frame('a'));
  hub.close();
  expect(await rest(channel)).toEqual([['a'], 'unavailable']);
});

test('what can not be known ends a channel: nobody listens on with a session that may be over', async () => {
  const channel = hub.port.open(listener());
  const heard = rest(channel);
  found = new AppError('unavailable');
  vi.advanceTimersByTime(500);
  expect(await heard).toEqual([[], 'unavailable']);
});

test('the end of the token is the end of the channel', async () => {
  const heard = rest(hub.port.open(listener()));
  now = 2_000_000;
  vi.advanceTimersByTime(500);
  expect(await heard).toEqual([[], 'unauthenticated']);
});

test('a session that ended takes its channels with it, or all others where it is spared', async () => {
  const [one, two] = [hub.port.open(listener('ada', 's1')), hub.port.open(listener('ada', 's2'))];
  hub.port.end({ user_id: 'ada', except_session_id: 's2' }, frame('end'));
  expect(await rest(one)).toEqual([['end'], 'unauthenticated']);
  hub.port.end({ user_id: 'ada', session_id: 's1' }, frame('end'));
  hub.port.tell('ada', frame('a'));
  hub.port.end({ user_id: 'ada' }, frame('all'));
  expect(await rest(two)).toEqual([['a', 'all'], 'unauthenticated']);
});

test('after a gap each channel looks up what came from a little before it', async () => {
  const channel = hub.port.open(listener());
  hub.port.missed();
  now += 60_000;
  hub.port.missed();
  hub.port.resumed();
  hub.port.resumed();
  hub.close();
  expect(await rest(channel)).toEqual([['gap 995000'], 'unavailable']);
});

test('a channel that was left counts no more', () => {
  const channels = Array.from({ length: 20 }, () => hub.port.open(listener()));
  expect(() => hub.port.open(listener())).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
  channels[0]!.close();
  channels[0]!.close();
  expect(gauges.at(-1)).toBe(19);
  hub.port.open(listener());
});

test('a user has as many channels as the bounds are scaled to', () => {
  const [half, none] = [open(0.5), open(Number.POSITIVE_INFINITY)];
  for (let n = 0; n < 10; n++) half.port.open(listener());
  expect(() => half.port.open(listener())).toThrow('At most 10 connections of a user');
  for (let n = 0; n < 1_000; n++) none.port.open(listener());
  for (const each of [half, none]) each.close();
});
