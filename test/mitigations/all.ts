/**
 * A program: runs the test of each mitigation without it, and all of these tests once with all of them, and tells its parent what
 * failed. All are projects of one vitest, which loads once what would be loaded for each.
 */
import { join } from 'node:path';
import { createVitest, type Reporter } from 'vitest/node';
import { withAllMitigations, withoutMitigation } from '../projects.ts';
import { MITIGATIONS, WITH_ALL } from './mitigations.ts';

const ROOT = join(import.meta.dirname, '../..');
const AT_ONCE = 2;

/** What it tells, once for each test file of each project. */
export interface Told {
  /** Of the mitigation. */
  name: string;
  passed: number;
  /** The names of tests. */
  failed: readonly string[];
}

const reporter: Reporter = {
  onTestModuleEnd: ({ project, children }) => {
    const failed = [...children.allTests('failed')].map(({ fullName }) => fullName);
    const passed = [...children.allTests('passed')].length;
    process.send!({ name: project.name, passed, failed } satisfies Told);
  },
};

const vitest = await createVitest('test', {
  root: ROOT,
  watch: false,
  reporters: [reporter],
  // each has its own, and a thread is there sooner than a process
  pool: 'threads',
  maxWorkers: AT_ONCE,
  projects: [withAllMitigations(WITH_ALL), ...Object.keys(MITIGATIONS).map(withoutMitigation)],
});
const promisesOf = Map.groupBy(Object.values(MITIGATIONS), ({ test }) => test);
await vitest.runTestSpecifications(
  vitest.projects.flatMap((project) => {
    const mitigation = MITIGATIONS[project.name];
    return [...(mitigation ? [[mitigation.test, [mitigation]] as const] : promisesOf)].map(([file, those]) => {
      const testNamePattern = new RegExp(those.map(({ promise }) => `(?:${promise})`).join('|'));
      return project.createSpecification(join(ROOT, file), { testNamePattern });
    });
  }),
);
await vitest.close();
process.disconnect();
