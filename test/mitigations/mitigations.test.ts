import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Told } from './all.ts';
import { MITIGATIONS } from './mitigations.ts';
import { removed } from './removed.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Until the last of all has run, on a busy machine. */
const ALL_MS = 600_000;

const outcomes = new Map(Object.keys(MITIGATIONS).map((name) => [name, Promise.withResolvers<Told['failed']>()]));
let program: ChildProcess | undefined;

beforeAll(() => {
  program = fork(join(import.meta.dirname, 'all.ts'), {
    cwd: ROOT,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  program.stderr!.on('data', (text) => {
    said = `${said}${text}`.slice(-2_000);
  });
  program.on('message', (told: Told) => {
    outcomes.get(told.name)!.resolve(told.failed);
  });
  program.once('exit', (code) => {
    for (const [name, { reject }] of outcomes)
      reject(new Error(`"${name}" was not tried, as all ended with ${code}: ${said}`));
  });
  // each is waited for in its turn
  for (const { promise } of outcomes.values()) promise.catch(() => {});
});
afterAll(() => void program?.kill());

describe('without what keeps attackers out, the test of it fails', () => {
  for (const [name, { file }] of Object.entries(MITIGATIONS)) {
    test(name, { timeout: ALL_MS }, async () => {
      expect(removed(name, readFileSync(join(ROOT, file), 'utf8'))).toBeTruthy();
      expect((await outcomes.get(name)!.promise).length).toBeGreaterThan(0);
    });
  }
});
