/** What a start leaves to the first call. */
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { ANONYMOUS } from '../../shared/kit/context.ts';
import { invoke } from '../../shared/kit/invoke.ts';
import { doRest } from '../../shared/kit/late.ts';
import { operation } from '../../shared/kit/operation.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { callsAfter } from '../../shared/process/first-call.ts';
import { fakeHost } from '../doors/http/harness.ts';

const context = { request_id: 'r', trace: continueTrace(), caller: ANONYMOUS, client: {}, door: 'local' } as const;

const setUp = (work: (n: number) => Promise<void>) => {
  const done: string[] = [];
  let n = 0;
  const { host } = fakeHost();
  const begun = vi.fn(async () => {
    await work(n++);
    done.push('work');
  });
  const op = operation({
    name: 'demo.call',
    summary: 'A call',
    access: 'public',
    input: z.strictObject({}),
    output: z.strictObject({}),
    run: async () => {
      done.push('call');
      return {};
    },
  });
  const { host: waiting, stop } = callsAfter({ ...host, close: async () => {} }, begun);
  return {
    done,
    begun,
    stop,
    call: () => invoke(waiting, op, {}, context),
    within: () => invoke(host, op, {}, context),
  };
};

test('calls that come at once wait for work that is done once, and later ones for nothing', async () => {
  const { done, begun, call } = setUp(async () => {});
  await Promise.all([call(), call()]);
  await call();
  expect(done).toEqual(['work', 'call', 'call', 'call']);
  expect(begun).toHaveBeenCalledOnce();
});

test('work that calls operations itself does not wait for itself', async () => {
  const rig = setUp(async () => void (await rig.within()));
  await rig.call();
  expect(rig.done).toEqual(['call', 'work', 'call']);
});

test('a call whose work fails is refused as unavailable and does nothing, and one a second later tries again', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { done, begun, call } = setUp(async (n) => {
    if (n === 0) throw new Error('the store is away');
  });
  const refused = { code: 'unavailable', cause: new Error('the store is away') };
  await expect(call()).rejects.toMatchObject(refused);
  vi.advanceTimersByTime(999);
  // callers do not drive the tries
  await expect(call()).rejects.toMatchObject(refused);
  expect([begun.mock.calls.length, ...done]).toEqual([1]);
  vi.advanceTimersByTime(1);
  await call();
  expect(done).toEqual(['work', 'call']);
});

test('without a call it is done when the process has time, and a stop waits for it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { done, begun, stop } = setUp(() => promise);
  await doRest();
  expect(begun).toHaveBeenCalledOnce();
  const stopped = stop().then(() => done.push('stopped'));
  await new Promise((later) => setTimeout(later, 20));
  expect(done).toEqual([]);
  resolve();
  await stopped;
  expect(done).toEqual(['work', 'stopped']);
});

test('a process that has stopped does not begin', async () => {
  const { begun, stop } = setUp(async () => {});
  await stop();
  await doRest();
  expect(begun).not.toHaveBeenCalled();
});
