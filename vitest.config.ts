import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';
import { PROJECTS, withoutMitigation } from './test/projects.ts';

const { PERFECT21_TEST_WITHOUT: mitigation, PERFECT21_TEST_TRIES: tries = '1' } = process.env;

export default defineConfig({
  test: {
    fsModuleCache: true,
    globalSetup: ['test/engines/shared.ts'],
    projects: mitigation ? [withoutMitigation(mitigation)] : PROJECTS,
    pool: 'forks',
    // most of the time a file waits: for an engine, a timer, a process that starts
    maxWorkers: availableParallelism() + 3,
    sequence: { sequencer: LongestFirst },
    retry: Number(tries) - 1,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // functions under test log and count as in Lambda; what they print is no test's business
    silent: 'passed-only',
    env: { POWERTOOLS_DEV: 'false', AWS_LAMBDA_FUNCTION_NAME: 'test' },
  },
});
