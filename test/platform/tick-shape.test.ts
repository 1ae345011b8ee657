/** What `process.nextTick` makes keeps its hidden classes through major collections. */
import { expect, test } from 'vitest';
import { keepsTickShape, keepTickShape } from '../../shared/process/tick-shape.ts';

test('a process that serves holds an object of that shape', () => {
  expect(keepsTickShape()).toBe(false);
  keepTickShape();
  expect(keepsTickShape()).toBe(true);
});
