/** Codes of the log against their catalogue: which are written and have no entry, and which entries nobody writes. One line each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOGS } from '../../shared/ports/log-codes.ts';
import { ROOT } from '../generate/files.ts';
import { importsOfProject } from './imports.ts';

const CATALOGUE = 'shared/ports/log-codes.ts';
const WRITTEN = /\blog(?:\?\.|\.|\[[^\]]+\]\(\s*)(?:(?:debug|info|warn|error)\(\s*)?'([^']+)'/g;
const FORM = /^[a-z_]+\.[a-z_]+$/;

/** The program's files with what they hold; tests write no lines that an operator reads. */
const sources = (): Record<string, string> =>
  Object.fromEntries(
    [...importsOfProject().keys()]
      .filter((file) => /^(shared|functions|infra)\//.test(file) && file !== CATALOGUE)
      .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]),
  );

export const logOffences = (files: Readonly<Record<string, string>> = sources()): string[] => {
  const known = Object.keys(LOGS);
  const unknown = Object.entries(files).flatMap(([file, text]) =>
    [...text.matchAll(WRITTEN)]
      .map(([, code]) => code!)
      .filter((code) => !known.includes(code))
      .map((code) => `${file} logs ${code}, which has no entry in ${CATALOGUE}`),
  );
  const all = Object.values(files).join('\n');
  const unused = known
    .filter((code) => !all.includes(`'${code}'`))
    .map((code) => `${CATALOGUE} has ${code}, which nothing logs`);
  const odd = known.filter((code) => !FORM.test(code)).map((code) => `${code} is not of the form area.what`);
  const order = known.filter((code, at) => at > 0 && code < known[at - 1]!).map((code) => `${code} is out of order`);
  return [...unknown, ...unused, ...odd, ...order];
};
