/** What imports what, as the texts of the project say it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from '../generate/files.ts';

export interface Import {
  /** Who imports, from the top of the project. */
  from: string;
  /** What: a path from the top of the project, or a package. */
  to: string;
  typeOnly: boolean;
}

const IMPORT =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)(\.\w)?/g;

/** The imports of a source text. `import('x')` counts, as a type does not: it says `typeof import('x')`. */
export const importsOf = (from: string, text: string): Import[] =>
  [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[3] ?? match[4]!;
    const typeOnly = match[2] !== undefined || text.slice(match.index - 8, match.index).includes('typeof ');
    const to = specifier.startsWith('.') ? relative('/', join('/', dirname(from), specifier)) : specifier;
    return { from, to, typeOnly };
  });

const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

/** The imports of every source file, by file. */
export const importsOfProject = (): ReadonlyMap<string, readonly Import[]> =>
  new Map(
    ['functions', 'shared', 'infra']
      .flatMap(sources)
      .map((file) => [file, importsOf(file, readFileSync(join(ROOT, file), 'utf8'))]),
  );
