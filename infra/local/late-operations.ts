/**
 * Operations in a bundle: what doors route by stands there as data, and the module of an operation runs when it is first
 * asked for more (shared/kit/late.ts). A start makes no schemas then, which were most of what it ran.
 *
 * The modules run here first, so what one throws, it throws here, and nothing is bundled of it.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import type { Operation } from '../../shared/kit/operation.ts';
import { ROOT } from './boot.mjs';

/** Where something is exported. */
interface Place {
  file: string;
  name: string;
  value: object;
}

const isOperation = (value: any): value is Operation<any, any> =>
  typeof value?.run === 'function' && typeof value.name === 'string' && Array.isArray(value.http);

/** The operations of a folder and the collections that they use, and which operations are all that their module exports. */
const placesIn = async (folder: string): Promise<{ all: Place[]; alone: Place[] }> => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const [all, alone]: [Place[], Place[]] = [[], []];
  for (const file of files.map((each) => join(folder, each))) {
    const exported = Object.entries<any>(await import(pathToFileURL(file).href));
    for (const [name, value] of exported) {
      const place = { file, name, value };
      if (isOperation(value) || basename(file) === 'records.ts') all.push(place);
      // who wants what stands beside an operation wants it at once
      if (isOperation(value) && exported.length === 1) alone.push(place);
    }
  }
  return { all, alone };
};

/** What documents tell of an operation, and nothing is routed by. */
const TOLD: ReadonlySet<string> = new Set(['summary', 'description', 'errors']);

const isPlain = (value: object): boolean => Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
const isName = (key: string): boolean => /^\w+$/.test(key);

/**
 * Data as an expression; undefined for what is none.
 *
 * @param name of something that stands in a module, where it does
 * @param rest gets the paths to what is no data
 */
const tell = (
  value: unknown,
  name: (value: object) => string | undefined,
  rest: string[],
  path: readonly string[] = [],
): string | undefined => {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean')
    return JSON.stringify(value) ?? 'undefined';
  if (Number.isFinite(value)) return String(value);
  if (typeof value !== 'object') return undefined;
  const named = path.length > 0 && name(value);
  if (named) return named;
  if (!isPlain(value) || !Object.keys(value).every(isName) || (path.length > 0 && isOperation(value))) return undefined;
  const fields = Object.entries(value).map(([key, field]) => {
    const within = [...path, key];
    const data = path.length === 0 && TOLD.has(key) ? undefined : tell(field, name, rest, within);
    if (data === undefined) rest.push(within.join('.'));
    return Array.isArray(value) ? (data ?? 'undefined') : data && `${key}: ${data}`;
  });
  return Array.isArray(value) ? `[${fields}]` : `{ ${fields.filter(Boolean).join(', ')} }`;
};

/** The module that stands for one of an operation. */
const standIn = ({ file, name, value: op }: Place, all: ReadonlyMap<object, Place>): string => {
  const imports: string[] = [];
  const nameOf = (value: object): string | undefined => {
    const place = all.get(value);
    return (
      place &&
      `$${imports.push(`import { ${place.name} as $${imports.length + 1} } from ${JSON.stringify(place.file)};`)}`
    );
  };
  const rest: string[] = [];
  const data = tell(op, nameOf, rest);
  return [
    `import { late } from ${JSON.stringify(join(ROOT, 'shared/kit/late.ts'))};`,
    ...imports,
    `const load = () => require(${JSON.stringify(`whole:${file}`)}).${name};`,
    `export const ${name} = late(${data}, ${JSON.stringify(rest.join(' '))}, load);`,
  ].join('\n');
};

/**
 * Bundles the operations of a folder so that their modules run late.
 *
 * @param read gives the text of a file as it is bundled
 */
export const lateOperations = (folder: string, read: (file: string) => string): Plugin => ({
  name: 'late-operations',
  setup: async ({ onLoad, onResolve }) => {
    const { all, alone } = await placesIn(folder);
    const known = new Map(all.map((place) => [place.value, place]));
    const byFile = new Map(alone.map((place) => [place.file, place]));
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
      const place = byFile.get(path);
      return place && { contents: standIn(place, known), loader: 'js', resolveDir: dirname(path) };
    });
    onResolve({ filter: /^whole:/ }, ({ path }) => ({ path: path.slice('whole:'.length), namespace: 'whole' }));
    onLoad({ filter: /.*/, namespace: 'whole' }, ({ path }) => ({
      contents: read(path),
      loader: 'ts',
      resolveDir: dirname(path),
    }));
  },
});
