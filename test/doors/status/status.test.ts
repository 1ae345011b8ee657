/** What the status page says of what was counted. */
import { expect, test } from 'vitest';
import { platform } from '../../../functions/index.ts';
import { LinkSamples, p99 } from '../../../shared/doors/status/samples.ts';
import { watchStatus } from '../../../shared/doors/status/status.ts';
import { languageOf } from '../../../shared/doors/status/words.ts';
import { type Link, linksOf, matching, promql } from '../../../shared/metrics/links.ts';
import { createMetrics } from '../../../shared/system/metrics.ts';

const links = linksOf(platform);
const link = (name: Link['name']): Link => links.find((each) => each.name === name)!;

const REQUEST = { service: 'auth-service', method: 'POST', endpoint: '/api/v1/auth/login' };
const requests = (metrics: ReturnType<typeof createMetrics>, count: number, status: string, seconds: number): void => {
  metrics.count('perfect21_requests_total', { ...REQUEST, status }, count);
  for (let n = 0; n < count; n++) metrics.observe('perfect21_request_duration_seconds', REQUEST, seconds);
};
const watching = (metrics = createMetrics(), engines: Parameters<typeof watchStatus>[1]['engines'] = []) => {
  const watch = watchStatus({ clock: { now: () => 60_000 }, metrics }, { name: 'a', version: '1', links, engines });
  watch.stop();
  const read = async (name: Link['name']) => (await watch.read()).links.find((each) => each.name === name)!;
  return { metrics, watch, read };
};

test('a selector finds in the process what it finds in Prometheus', () => {
  const { all, failed } = link('rest');
  expect(promql(failed)).toMatch(/^method!="gRPC",endpoint!~".*\/api\/v1\/users\/export.*",status=~"5\.\."$/);
  expect(matching(all)(REQUEST)).toBe(true);
  expect(matching(failed)({ ...REQUEST, status: '503' })).toBe(true);
  expect(matching(failed)({ ...REQUEST, status: '5030' })).toBe(false);
  expect(matching(all)({ ...REQUEST, endpoint: '/api/v1/users/export' })).toBe(false);
  expect(matching(all)({ ...REQUEST, method: 'gRPC' })).toBe(false);
});

test('p99 is what histogram_quantile says', () => {
  expect(p99([0, 0, 0], [0.1, 0.2])).toBeUndefined();
  expect(p99([0, 10, 0], [0.1, 0.2])).toBeCloseTo(0.199);
  expect(p99([99, 1, 0], [0.1, 0.2])).toBeCloseTo(0.1);
  expect(p99([0, 0, 5], [0.1, 0.2])).toBe(0.2);
});

test('a link that nobody used is neither kept nor broken, and one that is fast and fails never is kept', async () => {
  const { metrics, watch, read } = watching();
  watch.take();
  expect(await read('rest')).toMatchObject({ verdict: 'idle', count: 0, samples: [[0, 0, null]] });
  requests(metrics, 1_000, '200', 0.004);
  watch.take();
  expect(await read('rest')).toMatchObject({ verdict: 'kept', count: 1_000, failed: 0 });
});

test('a link is broken when more fails than is promised, or p99 is above the promise', async () => {
  const failing = watching();
  requests(failing.metrics, 990, '200', 0.004);
  requests(failing.metrics, 10, '503', 0.004);
  failing.watch.take();
  expect(await failing.read('rest')).toMatchObject({ verdict: 'broken', count: 1_000, failed: 10 });
  const slow = watching();
  requests(slow.metrics, 100, '200', 0.2);
  slow.watch.take();
  expect(await slow.read('rest')).toMatchObject({ verdict: 'broken', failed: 0 });
});

test('of few slow answers nothing is said, neither that the promise is kept nor that it is not', async () => {
  const { metrics, watch, read } = watching();
  requests(metrics, 99, '200', 0.2);
  watch.take();
  expect(await read('rest')).toMatchObject({ verdict: 'few', count: 99 });
});

test('samples are differences, what was counted before the first is not in them, and ten minutes are kept', () => {
  const metrics = createMetrics();
  requests(metrics, 7, '200', 0.004);
  const samples = new LinkSamples(link('rest'), metrics);
  samples.take();
  requests(metrics, 3, '200', 0.004);
  samples.take();
  expect(samples.all().map(({ count }) => count)).toEqual([0, 3]);
  for (let n = 0; n < 200; n++) samples.take();
  expect(samples.all()).toHaveLength(120);
});

test('events and sockets count by their own measures', async () => {
  const { metrics, watch, read } = watching();
  metrics.observe('perfect21_event_handling_seconds', { queue: 'q', result: 'done' }, 0.01);
  metrics.observe('perfect21_event_handling_seconds', { queue: 'q', result: 'park' }, 0.01);
  metrics.count('perfect21_websockets_closed_total', { code: '1000' });
  metrics.observe('perfect21_realtime_delay_seconds', {}, 0.003);
  watch.take();
  expect(await read('events')).toMatchObject({ count: 2, failed: 1, verdict: 'broken' });
  expect(await read('realtime')).toMatchObject({ count: 1, failed: 0, verdict: 'kept' });
});

test('engines are looked at: one that is away, one that fails, one that never answers within the second', async () => {
  const engines = [
    { name: 'store', engine: 'sqlite', look: async () => {} },
    { name: 'bus', engine: 'rabbitmq', look: async () => 'degraded' },
    { name: 'keys', engine: 'kms', look: async () => Promise.reject(new Error('secret of the cause')) },
    { name: 'hung', engine: 'x', look: () => new Promise(() => {}) },
  ];
  const { watch } = watching(createMetrics(), engines);
  const { engines: told } = await watch.read();
  expect(told.map(({ state }) => state)).toEqual(['ok', 'degraded', 'unavailable', 'unavailable']);
  expect(JSON.stringify(told)).not.toContain('secret');
});

test('queues tell how much waits and for how long', async () => {
  const { metrics, watch } = watching();
  metrics.gauge('perfect21_queue_depth', { queue: 'outbox' }, 4);
  metrics.gauge('perfect21_queue_oldest_age_seconds', { queue: 'outbox' }, 31);
  metrics.gauge('perfect21_queue_depth', { queue: 'perfect21.dead' }, 0);
  metrics.gauge('perfect21_queue_oldest_age_seconds', { queue: 'perfect21.dead' }, 0);
  const { queues } = await watch.read();
  expect(queues).toEqual([
    { name: 'outbox', depth: 4, oldest_s: 31 },
    { name: 'perfect21.dead', depth: 0 },
  ]);
});

test.each([
  [null, undefined, 'en'],
  [null, 'zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  [null, 'de-DE,de;q=0.9,zh;q=0.5', 'zh-CN'],
  [null, 'en-GB,zh;q=0.9', 'en'],
  [null, 'zh;q=0.1,en;q=0.9', 'en'],
  [null, 'fr,;q=x', 'en'],
  ['zh', 'en', 'zh-CN'],
  ['en', 'zh', 'en'],
  ['<script>', 'en', 'en'],
])('asked for %s with accept-language %s it speaks %s', (chosen, header, language) => {
  expect(languageOf(chosen, header)).toBe(language);
});
