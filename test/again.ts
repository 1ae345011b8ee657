/** Files whose set-up failed run once more: vitest tries tests again, but neither hooks nor imports (infra/decisions/0067). */
import type { TestModule, Vitest } from 'vitest/node';

const setupErrors = (module: TestModule) => [
  ...module.errors(),
  ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
];

/** Runs them again; what they are then counts. Gives a line for each file that needed it and passed. */
export const againWhatDidNotStart = async (vitest: Vitest): Promise<string[]> => {
  const broken = vitest.state.getTestModules().filter((module) => setupErrors(module).length > 0);
  if (broken.length === 0) return [];
  const said = broken.map(
    (module) => `${module.relativeModuleId}: ${setupErrors(module)[0]?.message ?? 'said nothing'}`,
  );
  await vitest.runTestSpecifications(broken.map((module) => module.toTestSpecification()));
  const passed = new Set(
    vitest.state
      .getTestModules()
      .filter((module) => module.ok())
      .map((module) => module.moduleId),
  );
  return said.filter((_, at) => passed.has(broken[at]!.moduleId));
};
