/**
 * How test files share processes. Most run one after the other in a few that live as long as the run: what they import is
 * evaluated once in each. A file that cannot share says so by its name, `….alone.test.ts`, and has a process to itself: it
 * sets what is read while modules load, replaces a module, or is about what happens once in a process. `npm run check` finds
 * the first two.
 */
import { configDefaults, type TestProjectInlineConfiguration } from 'vitest/config';
import { ROOT } from '../infra/generate/files.ts';

const ALL = 'test/**/*.test.ts';
const ALONE = 'test/**/*.alone.test.ts';

/** The two projects of a run. What a hash costs is promised by files that run alone, so only the others hash quickly. */
export const PROJECTS: TestProjectInlineConfiguration[] = [
  { extends: true, test: { name: 'alone', include: [ALONE], isolate: true } },
  {
    extends: true,
    test: {
      name: 'together',
      include: [ALL],
      exclude: [...configDefaults.exclude, ALONE],
      isolate: false,
      setupFiles: ['test/support/as-found.ts', 'test/support/quick-hashes.ts'],
    },
  },
];

/**
 * A run without a mitigation. Node itself loads the platform there, from what V8 compiled before, and not vitest, which takes a fifth
 * longer to do it once: `test/mitigations/without.ts` changes what it loads. Nothing of it can be replaced by `vi.mock`.
 */
export const withoutMitigation = (name: string) => ({
  extends: true as const,
  test: {
    name,
    include: [ALL],
    retry: 0,
    env: { PERFECT21_TEST_WITHOUT: name },
    setupFiles: ['test/support/as-found.ts', 'test/mitigations/without.ts'],
    server: { deps: { external: [new RegExp(`^${ROOT.replace(/[^\w/]/g, '\\$&')}/(functions|infra|proto|shared)/`)] } },
  },
});

/** The same with all of them, for tests that must pass then: the files share what they load. */
export const withAllMitigations = (name: string) => {
  const { test } = withoutMitigation(name);
  return { extends: true as const, test: { ...test, isolate: false, env: { PERFECT21_TEST_WITHOUT: '' } } };
};
