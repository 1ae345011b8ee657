import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // functions under test log and count as in Lambda; what they print is no test's business
    silent: 'passed-only',
    env: { POWERTOOLS_DEV: 'false', AWS_LAMBDA_FUNCTION_NAME: 'test' },
  },
});
