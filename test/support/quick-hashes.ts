/**
 * Before each test file: hashes of 64 KiB instead of 19 MiB, because a run makes tens of thousands of them. What one costs is
 * promised by files that run alone, without this (`test/projects.ts`). Processes that tests start, and what was packaged, hash
 * as they do in production.
 */
import { vi } from 'vitest';

vi.mock('../../shared/passwords/parameters.ts', async (original) => {
  const real = await original<typeof import('../../shared/passwords/parameters.ts')>();
  return { ...real, PARAMETERS: { ...real.PARAMETERS, memory: 64 } };
});
