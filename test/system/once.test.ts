import { expect, test, vi } from 'vitest';
import { once } from '../../shared/system/once.ts';

test('what is made once is made by one try for all who ask, and tried again after one that failed', async () => {
  const make = vi.fn(async () => ({})).mockRejectedValueOnce(new Error('away'));
  const ask = once(make);
  expect(await Promise.allSettled([ask(), ask()])).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect(make).toHaveBeenCalledTimes(1);
  const [one, other] = await Promise.all([ask(), ask()]);
  expect([one === other, one === (await ask()), make.mock.calls.length]).toEqual([true, true, 2]);
});
