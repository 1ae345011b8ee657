/** A heap that grows slowly, without a start that compiles what was compiled before. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const PROGRAM = `
import { cachedDataVersionTag } from 'node:v8';
import { growSlowly } from '${resolve(import.meta.dirname, '../../shared/process/heap-growth.ts')}';
const tags = [cachedDataVersionTag()];
growSlowly();
await undefined;
tags.push(cachedDataVersionTag());
setImmediate(() => console.log(JSON.stringify([...tags, cachedDataVersionTag()])));
`;

test('V8 takes the option after what was compiled at the start is written, not before', () => {
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM], { encoding: 'utf8' });
  const [before, atOnce, then] = JSON.parse(printed);
  expect(atOnce).toBe(before);
  expect(then).not.toBe(before);
});
