import { expect, test } from 'vitest';
import * as z from 'zod';
import { answer } from '../../shared/doors/binding/binding.ts';
import { routesOf } from '../../shared/doors/binding/route.ts';
import { checkedOnce, lasting } from '../../shared/kit/lasting.ts';
import { operation } from '../../shared/kit/operation.ts';
import { fakeHost } from '../doors/http/harness.ts';

/** An operation that answers what it is given, and counts how often that was checked and written. */
const answering = (output: object) => {
  const seen = { checked: 0, written: 0 };
  const Name = z.string().refine(() => ++seen.checked > 0);
  const op = operation({
    name: 'demo.name',
    summary: 'A name',
    http: { method: 'GET', path: '/name' },
    access: 'public',
    input: z.strictObject({}),
    output: z.object({ name: Name, tags: z.array(z.string()) }).transform((told) => ({
      ...told,
      toJSON: () => {
        seen.written += 1;
        return told;
      },
    })),
    run: async () => output as never,
  });
  const [route] = routesOf(op);
  const ask = () =>
    answer(
      fakeHost().host,
      route!,
      { method: 'GET', path: '/name', params: {}, query: {}, headers: {} } as never,
      'http',
    );
  return { ask, seen };
};

const ANN = { name: 'Ann', tags: ['a'], secret: 'swordfish' };

test('an output that lasts is checked once and written once, and loses what is not declared', async () => {
  const { ask, seen } = answering(lasting({ ...ANN, tags: [...ANN.tags] }));
  const bodies = [await ask(), await ask(), await ask()].map(({ body }) => body);
  expect(new Set(bodies)).toEqual(new Set(['{"name":"Ann","tags":["a"]}']));
  expect(seen).toEqual({ checked: 1, written: 1 });
});

test('any other is checked and written for each answer', async () => {
  const { ask, seen } = answering(ANN);
  for (let times = 0; times < 3; times += 1) expect((await ask()).body).toBe('{"name":"Ann","tags":["a"]}');
  expect(seen).toEqual({ checked: 3, written: 3 });
});

test('one that lasts and breaks its schema is refused each time', async () => {
  const { ask } = answering(lasting({ name: 7, tags: [] }));
  expect([(await ask()).status, (await ask()).status]).toEqual([500, 500]);
});

test('nobody changes what others are answered', () => {
  const output = lasting({ name: 'Ann', tags: ['a'] });
  expect(() => output.tags.push('b')).toThrow(TypeError);
  expect(() => Object.assign(output, { name: 'Bob' })).toThrow(TypeError);
});

test('what one operation declares is not what another one answers', () => {
  const output = lasting({ name: 'Ann', tags: ['a'] });
  const [one, other] = [{}, {}];
  const names = () => checkedOnce(output, one, ({ name }: any) => ({ name }));
  const tags = () => checkedOnce(output, other, ({ tags }: any) => ({ tags }));
  expect([names(), tags(), names(), tags()]).toEqual([
    { name: 'Ann' },
    { tags: ['a'] },
    { name: 'Ann' },
    { tags: ['a'] },
  ]);
});
