import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LastIds } from '../../shared/kit/last-ids.ts';

test('of ids that come it knows those that came last, up to its number, as a list of them would', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.integer({ min: 0, max: 8 })), (most, coming) => {
      const ids = new LastIds(most);
      let list: string[] = [];
      for (const id of coming.map(String)) {
        expect(ids.add(id)).toBe(!list.includes(id));
        if (!list.includes(id)) list = [...list, id].slice(-most);
      }
    }),
  );
});

test('one that was taken is taken once, and may come again', () => {
  const ids = new LastIds(2);
  ids.add('a');
  expect([ids.take('a'), ids.take('a'), ids.take('')]).toEqual([true, false, false]);
  expect(ids.add('a')).toBe(true);
});
