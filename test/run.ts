/**
 * `npm test`: every test, on real engines that come with `npm ci`. Ends with the line `N passed, N failed`.
 *
 * @example npm test -- test/e2e   (only the files whose path contains this)
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVitest } from 'vitest/node';
import { againWhatFailed } from './again.ts';
import { CACHE } from './engines/debian-suite.ts';
import { ensureRabbitmq } from './engines/rabbitmq-install.ts';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write('The tests run on the Node 24 that "npm ci" installs: start them with "npm test".\n');
  process.exit(1);
}

const chosen = process.argv.slice(2);
if (chosen.length === 0 || chosen.some((path) => path.includes('rabbitmq'))) {
  try {
    // once, and not by several test files at a time
    ensureRabbitmq();
  } catch (error) {
    // the tests that need it fail with the same line; the others run
    process.stderr.write(`${(error as Error).message}\n`);
  }
}

// hundreds of processes load the same modules: compiled once, in this run or an earlier one
process.env.NODE_COMPILE_CACHE ??= join(CACHE, 'compiled');

/** Several times what a run's files take at a time. */
const ROOM_BYTES = 5e9;
/** Where there is room, files of tests stand in memory: nothing waits for a disk, and a kill loses no more than on one. */
const place = (memory = '/dev/shm'): string => {
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return Math.min(bavail * bsize, freemem() / 2) > ROOM_BYTES ? memory : tmpdir();
};
// short, as names of sockets are; and engines run as users of their own
const temporary = mkdtempSync(join(place(), 'p21-'));
chmodSync(temporary, 0o755);
process.env.TMPDIR = temporary;
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));

// what several files want and one of them makes
const shared = join(temporary, 'shared');
mkdirSync(shared);
process.env.PERFECT21_TEST_SHARED = shared;

const vitest = await startVitest('test', chosen, { watch: false, reporters: ['dot'] });
// what passed only when it was tried again is told: it is unsteady (infra/decisions/0067)
const unsteady: string[] = [];
if (Number(process.env.PERFECT21_TEST_TRIES ?? 1) > 1) unsteady.push(...(await againWhatFailed(vitest)));

const counts = { passed: 0, failed: 0, skipped: 0 };
const notTested: string[] = [];
for (const module of vitest.state.getTestModules()) {
  // a file that could not even be loaded, or a hook that threw, is a failure of its own
  if (module.errors().length > 0) counts.failed++;
  for (const suite of module.children.allSuites()) if (suite.errors().length > 0) counts.failed++;
  for (const test of module.children.allTests()) {
    const { state, errors = [] } = test.result();
    if (state === 'passed' && test.diagnostic()?.flaky) {
      unsteady.push(`${module.relativeModuleId} > ${test.fullName}: ${errors[0]?.message ?? 'said nothing'}`);
    }
    const { not_tested } = test.meta();
    if (state === 'passed' && not_tested) notTested.push(`${test.fullName}: ${not_tested}`);
    else if (state === 'passed') counts.passed++;
    else if (state === 'failed') counts.failed++;
    else counts.skipped++;
  }
}
// where the time goes: two cores carry two files at a time
const slowest = vitest.state
  .getTestModules()
  .map((module) => ({ file: module.relativeModuleId, seconds: module.diagnostic().duration / 1_000 }))
  .sort((one, two) => two.seconds - one.seconds);
const total = slowest.reduce((sum, { seconds }) => sum + seconds, 0);
const unhandled = vitest.state.getUnhandledErrors().length;
await vitest.close();

// a skipped test would hide a missing engine, so it counts as failed
const failed = counts.failed + counts.skipped + unhandled;
if (counts.skipped > 0) process.stderr.write(`${counts.skipped} tests did not run\n`);
if (slowest.length > 10) {
  const lines = slowest.slice(0, 15).map(({ file, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${file}`);
  process.stdout.write(`\n${total.toFixed(0)} s in ${slowest.length} files, most of it here:\n${lines.join('\n')}\n`);
}
for (const line of unsteady) process.stdout.write(`\npassed only when tried again: ${line}\n`);
for (const line of notTested) process.stdout.write(`\nNOT tested on this machine: ${line}\n`);
process.stdout.write(`\n${counts.passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || counts.passed === 0 ? 1 : 0);
