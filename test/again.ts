/**
 * Files that failed, once more from their beginning: vitest tries a test again within its file, beside what the first try
 * left, and neither hooks nor imports at all (infra/decisions/0067).
 */
import type { TestModule, Vitest } from 'vitest/node';

/** What went wrong first, in a line. */
const complaint = (module: TestModule): string => {
  const suites = [...module.children.allSuites()];
  const [broken] = [...module.errors(), ...suites.flatMap((suite) => suite.errors())];
  const [failed] = module.children.allTests('failed');
  const test = failed && !broken ? ` > ${failed.fullName}` : '';
  const error = broken ?? failed?.result().errors?.[0];
  return `${module.relativeModuleId}${test}: ${error?.message ?? 'said nothing'}`;
};

/** Runs them again; what they are then counts. Gives a line for each file that needed it and passed. */
export const againWhatFailed = async (vitest: Vitest): Promise<string[]> => {
  const broken = vitest.state.getTestModules().filter((module) => !module.ok());
  if (broken.length === 0) return [];
  const said = broken.map(complaint);
  await vitest.runTestSpecifications(broken.map((module) => module.toTestSpecification()));
  const passed = new Set(
    vitest.state
      .getTestModules()
      .filter((module) => module.ok())
      .map((module) => module.moduleId),
  );
  return said.filter((_, at) => passed.has(broken[at]!.moduleId));
};
