/** Which declared errors no test provokes, and which cases are of no declared error. One line each. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { platform } from '../../functions/index.ts';
import { ROOT } from '../generate/files.ts';

export const uncoveredErrors = async (): Promise<string[]> => {
  const { ELSEWHERE, ERASED, errorCases } = await import('../../test/table/errors.ts');
  const declared = platform
    .flatMap(({ operations }) => operations)
    .flatMap(({ name, errors }) => errors.map((code) => `${name} ${code}`));
  const covered = [...Object.keys(errorCases), ...Object.keys(ELSEWHERE), ...ERASED.map((name) => `${name} not_found`)];
  return [
    // a store in which somebody else is always first to write provokes this one of every operation
    ...declared
      .filter((each) => !each.endsWith(' conflict') && !covered.includes(each))
      .map((each) => `${each} is declared and test/table/errors.ts has no case`),
    ...covered.filter((each) => !declared.includes(each)).map((each) => `${each} has a case and is not declared`),
    ...Object.values(ELSEWHERE).filter((file) => !existsSync(join(ROOT, file))),
  ];
};
