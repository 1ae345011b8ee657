/** Who listens to commits hears of delayed messages when they are due, not at the next look. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { commits } from '../../shared/store/commits.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const rig = () => {
  const { onCommit, announce } = commits(log, { now: () => Date.now() });
  const heard: [number, string[]][] = [];
  const stop = onCommit((queues) => void heard.push([Date.now() - 1_000_000, [...queues]]));
  const message = (queue: string, wait: number) => ({ queue, id: 'm', available_at: Date.now() + wait, body: {} });
  return { announce, heard, stop, message };
};

test('a delayed message is announced at its commit and when it is due', () => {
  const { announce, heard, message } = rig();
  announce([message('a', 0), message('b', 250)]);
  expect(heard).toEqual([[0, ['a', 'b']]]);
  vi.advanceTimersByTime(249);
  expect(heard).toHaveLength(1);
  vi.advanceTimersByTime(2);
  expect(heard).toEqual([
    [0, ['a', 'b']],
    [251, ['b']],
  ]);
});

test('who stopped listening hears nothing of what is due later, and a crowd of delayed messages keeps few timers', () => {
  const { announce, heard, stop, message } = rig();
  announce(Array.from({ length: 5_000 }, () => message('a', 100)));
  expect(vi.getTimerCount()).toBe(1_000);
  stop();
  vi.advanceTimersByTime(200);
  expect(heard).toEqual([[0, ['a']]]);
});
