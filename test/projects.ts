/**
 * How test files share processes, and who loads what they test. Most run one after the other in a few that live as long as the run:
 * what they import is evaluated once in each. A file that cannot share says so by its name, `….alone.test.ts`, and has a process to
 * itself: it sets what is read while modules load, changes a module, or is about what happens once in a process.
 *
 * The platform is loaded by Node itself, types taken out, from what V8 compiled before, as in every other process of it, and not by
 * vitest, which takes longer and makes of each imported name a property. `vi.mock` can replace nothing of it; who needs another text
 * takes `test/support/loaded-with.ts`. `npm run check` finds who does either in a file that shares.
 */
import { configDefaults, type TestProjectInlineConfiguration } from 'vitest/config';
import { ROOT } from '../infra/generate/files.ts';

const ALL = 'test/**/*.test.ts';
const ALONE = 'test/**/*.alone.test.ts';
const PLATFORM = new RegExp(`^${ROOT.replace(/[^\w/]/g, '\\$&')}/(functions|infra|proto|shared)/`);

const project = (test: TestProjectInlineConfiguration['test']) => ({
  extends: true as const,
  test: { ...test, server: { deps: { external: [PLATFORM] } } },
});

/** The two projects of a run. What a hash costs is promised by files that run alone, so only the others hash quickly. */
export const PROJECTS: TestProjectInlineConfiguration[] = [
  project({ name: 'alone', include: [ALONE], isolate: true }),
  project({
    name: 'together',
    include: [ALL],
    exclude: [...configDefaults.exclude, ALONE],
    isolate: false,
    setupFiles: ['test/support/as-found.ts', 'test/support/quick-hashes.ts'],
  }),
];

/** A run without a mitigation: `test/mitigations/without.ts` changes what is loaded. */
export const withoutMitigation = (name: string) =>
  project({
    name,
    include: [ALL],
    retry: 0,
    env: { PERFECT21_TEST_WITHOUT: name },
    setupFiles: ['test/support/as-found.ts', 'test/support/quick-hashes.ts', 'test/mitigations/without.ts'],
  });
