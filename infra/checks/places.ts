/** Where things may stand: the top of the project is listed, and each folder says what belongs there. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../generate/files.ts';

/** Everything at the top. What is not here is stray, or its name is missing. */
const TOP: ReadonlySet<string> = new Set([
  ...[
    '.ci',
    '.dockerignore',
    '.gitignore',
    '.npmrc',
    'biome.json',
    'package-lock.json',
    'package.json',
    'tsconfig.json',
  ],
  ...['vitest.config.ts', 'serverless.yml', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'SECURITY.md'],
  ...['bin', 'docs', 'functions', 'proto', 'shared', 'infra', 'test'],
]);

/** The folders whose folders are rooms: each has a README.md of its own. */
const HOUSES = ['functions', 'shared', 'shared/doors', 'infra', 'test'] as const;
/** What is written by a program, or is data. */
const NO_ROOM: ReadonlySet<string> = new Set([
  'infra/generated',
  'infra/prometheus',
  'infra/grafana',
  'functions/lambda',
  'test/events',
]);

const listed = (): string[] => {
  const names = (args: readonly string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
  return names(['ls-files', '--cached', '--others', '--exclude-standard']).filter((file) =>
    existsSync(join(ROOT, file)),
  );
};

/** Stray entries at the top of the project; where there is no git, none is known. */
export const strayOffences = (files: readonly string[] = listed()): string[] =>
  [...new Set(files.filter(Boolean).map((file) => file.split('/')[0]!))]
    .filter((entry) => !TOP.has(entry))
    .map((entry) => `${entry} stands at the top and infra/checks/places.ts does not list it`);

const roomsOf = (house: string): string[] =>
  readdirSync(join(ROOT, house))
    .map((name) => `${house}/${name}`)
    .filter((path) => statSync(join(ROOT, path)).isDirectory() && !NO_ROOM.has(path));

/** Rooms that don't say what belongs there and what does not. */
export const roomOffences = (): string[] =>
  HOUSES.flatMap(roomsOf)
    .filter((room) => !existsSync(join(ROOT, room, 'README.md')))
    .map((room) => `${room} has no README.md that says what belongs there and what does not`);

/** Test files that change how modules load, and would do so for files that share their process (`test/projects.ts`). */
export const sharingOffences = (texts: Readonly<Record<string, string>> = textsOfTests()): string[] =>
  Object.entries(texts)
    .filter(
      ([file, text]) =>
        !file.endsWith('.alone.test.ts') &&
        /^\s*(?:.*= )?(?:await )?(?:vi\.(hoisted|mock|doMock|resetModules)|loadedWith)\(/m.test(text),
    )
    .map(([file]) => `${file} changes how modules load: name it ${file.replace(/\.test\.ts$/, '.alone.test.ts')}`);

const textsOfTests = (): Record<string, string> => {
  const tests = listed().filter((file) => file.startsWith('test/') && file.endsWith('.test.ts'));
  return Object.fromEntries(tests.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
};

/** Decisions whose number another one has, whose title has another number, or that have none. */
export const decisionOffences = (titles: Readonly<Record<string, string>> = titlesOfDecisions()): string[] => {
  const taken = new Map<string, string>();
  return Object.entries(titles).flatMap(([file, title]) => {
    const number = /^(\d{4})-/.exec(file)?.[1];
    if (number === undefined) return [`${DECISIONS}/${file} has no number: name it NNNN-*.md`];
    const other = taken.get(number);
    taken.set(number, file);
    if (other !== undefined) return [`${DECISIONS}/${file} has the number of ${other}: take the next free one`];
    const told = `# ${Number(number)}. `;
    return title.startsWith(told) ? [] : [`${DECISIONS}/${file} has to begin with "${told}"`];
  });
};

const DECISIONS = 'infra/decisions';

const titlesOfDecisions = (): Record<string, string> => {
  const files = readdirSync(join(ROOT, DECISIONS)).filter((name) => name !== 'README.md');
  return Object.fromEntries(
    files.sort().map((name) => [name, readFileSync(join(ROOT, DECISIONS, name), 'utf8').split('\n', 1)[0]!]),
  );
};
