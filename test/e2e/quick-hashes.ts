import type * as parameters from '../../shared/passwords/parameters.ts';

/**
 * Hashes of 64 KiB instead of 19 MiB: a matrix of 1,600 cases has thousands of them, and what one costs is promised in
 * `test/passwords`.
 *
 * @example vi.mock('../../shared/passwords/parameters.ts', async (original) => (await import('./quick-hashes.ts')).quick(original));
 */
export const quick = async (original: () => Promise<unknown>): Promise<typeof parameters> => {
  const real = (await original()) as typeof parameters;
  return { ...real, PARAMETERS: { ...real.PARAMETERS, memory: 64 } };
};
