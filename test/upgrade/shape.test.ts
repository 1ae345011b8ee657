/** `npm run check` refuses a change of shape that programs of the release before would not survive. */
import { expect, test } from 'vitest';
import { changes } from '../../functions/schema-changes.ts';
import { type Previous, previousRelease, shapeOffences } from '../../infra/checks/shape.ts';
import { collection } from '../../shared/ports/store.ts';
import { type SchemaChange, shapeAfter } from '../../shared/store/schema.ts';

const index = { hash: () => 'x', sort: () => '' };
const previous: Previous = {
  version: '1.0.0',
  commit: '',
  schema: 10,
  collections: { users: { version: 1, indexes: ['by_email'] } },
};
const users = (indexes: string[], migrate: ((old: any) => any)[] = []) =>
  collection<any>()('users', { indexes: Object.fromEntries(indexes.map((name) => [name, index])), migrate });
const judge = (collections: ReturnType<typeof users>[], since: SchemaChange[]) =>
  shapeOffences(previous, { ...shapeAfter(10, since), collections }, since);
const expand: SchemaChange = { version: 11, kind: 'expand', what: '' };
const contract = (schema: number): SchemaChange => ({
  ...{ version: 11, kind: 'contract', what: '' },
  without: { release: '1.0.0', schema },
});

test('a list more has to be noted, as an expansion', () => {
  const collections = [users(['by_email', 'by_name'])];
  expect(judge(collections, [expand])).toEqual([]);
  expect(judge(collections, []).join()).toMatch(/note the change of users.by_name since 1.0.0/);
  expect(judge(collections, [contract(10)]).join()).toMatch(/"expand"/);
});

test('a list or collection less, and values of a new version, need a release that does without', () => {
  for (const collections of [[users([])], [], [users(['by_email'], [(old) => old])]]) {
    expect(judge(collections, [contract(10)])).toEqual([]);
    expect(judge(collections, [expand]).join()).toMatch(/1.0.0 needs what ended/);
    expect(judge(collections, [expand, { ...contract(11), version: 12 }]).join()).toMatch(/1.0.0 still needs/);
  }
});

test('versions follow each other, and say from which on programs work on the shape', () => {
  expect(judge([users(['by_email'])], [expand, { ...expand, version: 13 }]).join()).toMatch(/out of order/);
  expect(shapeAfter(9, [])).toEqual({ version: 9, serves_from: 9 });
  expect(shapeAfter(9, [{ ...expand, version: 10 }, contract(10)])).toEqual({ version: 11, serves_from: 10 });
  expect(shapeOffences(previousRelease(), { ...shapeAfter(9, changes), collections: [] }, changes)).not.toEqual([]);
});
