import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { without } from './test/mitigations/without.ts';

const { PERFECT21_TEST_WITHOUT: mitigation } = process.env;

export default defineConfig({
  plugins: mitigation ? [without(mitigation)] : [],
  test: {
    fsModuleCache: true,
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // vitest would leave one core to itself: of two, that is half
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // functions under test log and count as in Lambda; what they print is no test's business
    silent: 'passed-only',
    env: { POWERTOOLS_DEV: 'false', AWS_LAMBDA_FUNCTION_NAME: 'test' },
  },
});
