/**
 * A program: runs the test of each mitigation without it, and tells its parent what failed. All are projects of one vitest. Each has
 * a process and Node's loader, as the same tests have them with all mitigations in `npm test`.
 */
import { join } from 'node:path';
import { createVitest, type Reporter } from 'vitest/node';
import { withoutMitigation } from '../projects.ts';
import { MITIGATIONS } from './mitigations.ts';

const ROOT = join(import.meta.dirname, '../..');
const AT_ONCE = 2;

/** What it tells of each mitigation: the names of tests that failed without it. */
export interface Told {
  name: string;
  failed: readonly string[];
}

const reporter: Reporter = {
  onTestModuleEnd: ({ project, children }) => {
    const failed = [...children.allTests('failed')].map(({ fullName }) => fullName);
    process.send!({ name: project.name, failed } satisfies Told);
  },
};

const vitest = await createVitest('test', {
  root: ROOT,
  watch: false,
  reporters: [reporter],
  maxWorkers: AT_ONCE,
  projects: Object.keys(MITIGATIONS).map(withoutMitigation),
});
await vitest.runTestSpecifications(
  vitest.projects.map((project) => {
    const { test, promise } = MITIGATIONS[project.name]!;
    return project.createSpecification(join(ROOT, test), { testNamePattern: new RegExp(promise) });
  }),
);
await vitest.close();
process.disconnect();
