/** What a bundle takes from a file that leave-out.ts replaces: names that are not there would make the platform unpackageable. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Replacement, replacementsFor } from '../aws/leave-out.ts';
import { ROOT } from '../generate/files.ts';
import { importsOf } from './imports.ts';

interface Source {
  /** Files that it imports, not only for types. */
  imports: readonly string[];
  /** Of these, names taken from a file: `import { name as other } from 'file'`, or `export`. */
  names: readonly (readonly [file: string, name: string])[];
}

const NAMED = /(?:^|\n)(?:import|export) \{([^}]*)\} from '(\.[^']+)'/g;
const EXPORTED = /\bexport (?:const|function|class) ([\w$]+)/g;

/** What a text imports of files of the project. @param from its path from the top */
export const sourceOf = (from: string, text: string): Source => {
  const local = (specifier: string): string => importsOf(from, `import x from '${specifier}'`)[0]!.to;
  return {
    imports: importsOf(from, text)
      .filter(({ to, typeOnly }) => !typeOnly && to.endsWith('.ts'))
      .map(({ to }) => to),
    names: [...text.matchAll(NAMED)].flatMap(([, list = '', specifier = '']) =>
      list
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '' && !each.startsWith('type '))
        .map((each) => [local(specifier), each.split(' as ')[0]!] as const),
    ),
  };
};

/** A line for each name that an entry would miss. @param textOf a file's text by its path from the top */
export const missingNames = (
  entries: readonly string[],
  textOf: (file: string) => string,
  replaced: (entry: string) => readonly Replacement[] = (entry) => replacementsFor('aws', `/${entry}`),
): string[] => {
  const sources = new Map<string, Source>();
  const read = (file: string): Source => {
    const source = sources.get(file) ?? sourceOf(file, textOf(file));
    sources.set(file, source);
    return source;
  };
  const wholeOf = (entry: string) => replaced(entry).filter(({ contents }) => typeof contents === 'string');
  // entries of which the same is left out are looked at together
  const alike = Map.groupBy(entries, (entry) =>
    wholeOf(entry)
      .map(({ filter }) => filter.source)
      .join(),
  );
  const found = new Set<string>();
  for (const group of alike.values()) {
    const whole = wholeOf(group[0]!);
    const instead = (file: string) =>
      whole.find(({ filter }) => filter.test(`/${file}`))?.contents as string | undefined;
    const reached = new Set(group);
    for (const file of reached) {
      if (instead(file) !== undefined) continue;
      const { imports, names } = read(file);
      for (const to of imports) reached.add(to);
      for (const [to, name] of names) {
        const text = instead(to);
        if (text === undefined || [...text.matchAll(EXPORTED)].some(([, there]) => there === name)) continue;
        found.add(`${file} takes ${name} from ${to}, which infra/aws/leave-out.ts replaces without it`);
      }
    }
  }
  return [...found];
};

/** Of every packaged function. */
export const leftOutOffences = (): string[] =>
  missingNames(
    readdirSync(join(ROOT, 'functions/lambda'))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `functions/lambda/${name}`),
    (file) => readFileSync(join(ROOT, file), 'utf8'),
  );
