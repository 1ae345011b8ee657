/** What a start does without is there when it is asked for, and later anyway. */
import { expect, test, vi } from 'vitest';
import { doRest, late, later } from '../../shared/kit/late.ts';

const whole = () => ({ name: 'a.b', http: [{ path: '/b', answer: () => 'answered' }], run: () => 'ran' });
const make = (load: () => ReturnType<typeof whole>) =>
  late({ name: 'a.b', http: [{ path: '/b' }] } as ReturnType<typeof whole>, 'http.0.answer run', load);

test('an operation tells its data without its module, and the rest from its module, which runs once', () => {
  const load = vi.fn(whole);
  const op = make(load);
  const [binding] = op.http;
  expect([op.name, binding!.path, 'run' in op, Object.keys(op)]).toEqual(['a.b', '/b', true, ['name', 'http', 'run']]);
  expect(load).not.toHaveBeenCalled();
  expect(binding!.answer()).toBe('answered');
  expect(op.run()).toBe('ran');
  expect({ ...op }.run()).toBe('ran');
  expect(op.http[0]!.answer()).toBe('answered');
  expect(load).toHaveBeenCalledTimes(1);
});

test('a module that throws does so for everybody who asks', () => {
  const op = make(() => {
    throw new Error('broken');
  });
  for (let n = 0; n < 2; n += 1) expect(() => op.run).toThrow('broken');
});

test('what nobody asked for is done afterwards, each thing once', async () => {
  const [asked, left, load] = [vi.fn(), vi.fn(), vi.fn(whole)];
  const ask = later(asked);
  later(left);
  const op = make(load);
  ask();
  for (let n = 0; n < 2; n += 1) await doRest().catch(() => {});
  ask();
  expect([asked, left, load].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1]);
  expect(Object.getOwnPropertyDescriptor(op, 'run')).toHaveProperty('value');
});
