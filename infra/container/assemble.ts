/**
 * Puts a program together in one folder: `node infra/container/assemble.ts <role> <folder>` makes the file system of an image, with
 * `--app` only its /app, which needs Node 24 and nothing else: no package manager, no TypeScript, no file outside of it.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { bill } from './bill.ts';
import { ROLE_NAMES, ROLES, type Role, type RoleName } from './roles.ts';
import { root } from './root.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Lets our files find what lies where it lies in the project. */
const inPlace: Plugin = {
  name: 'in-place',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const own = `new URL(${JSON.stringify(`./${relative(ROOT, path)}`)}, import.meta.url).href`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', own), loader: 'ts' };
    });
  },
};

/**
 * A package that is loaded late, by its names: of CommonJS, a part of its own would export `default` and nothing else, where Node
 * finds the names.
 */
const named: Plugin = {
  name: 'named',
  setup: ({ initialOptions: { external = [] }, onResolve, onLoad }) => {
    onResolve({ filter: /^(@[^/]+\/)?[^./][^/:]*$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' && !external.includes(path) && !isBuiltin(path)
        ? { path, namespace: 'named' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'named' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default' && name !== 'module.exports');
      const each = names.map((name, n) => `const $${n} = all[${JSON.stringify(name)}];`);
      const exported = names.map((name, n) => `$${n} as ${JSON.stringify(name)}`);
      const contents = [
        `import * as all from ${JSON.stringify(path)};`,
        ...each,
        'export default all.default;',
        `export { ${exported.join(', ')} };`,
      ];
      return { contents: contents.join('\n'), resolveDir: ROOT };
    });
  },
};

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'error',
  metafile: true,
  banner: {
    js: `import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);`,
  },
} satisfies BuildOptions;

/** A package and all that it depends on, as npm put them; optional ones that are not here are left out. */
const closureOf = (
  name: string,
  from: string,
  found = new Map<string, string>(),
  optional = false,
): Map<string, string> => {
  let folder = from;
  while (folder !== dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) {
      if (found.has(path)) return found;
      found.set(path, relative(ROOT, path));
      const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
        readFileSync(join(path, 'package.json'), 'utf8'),
      );
      for (const each of Object.keys(optionalDependencies)) closureOf(each, path, found, true);
      for (const each of Object.keys(dependencies)) if (!(each in optionalDependencies)) closureOf(each, path, found);
      return found;
    }
    folder = dirname(folder);
  }
  if (optional) return found;
  throw new Error(`${name} is not installed`);
};

const needless = /\.([cm]?ts|map|md|flow)$|\/(test|tests|example|examples|\.github)(\/|$)/;

/** Makes /app of a role anew. Returns the packages in it, by their folders from the top of the project. */
const app = async ({ programs, whole, beside, threads }: Role, folder: string): Promise<ReadonlySet<string>> => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const external = [...whole, 'pino-pretty', 'pg-native'];
  const entryPoints = Object.fromEntries(Object.entries(programs).map(([name, file]) => [name, join(ROOT, file)]));
  const mains = await build({
    ...OPTIONS,
    external,
    entryPoints,
    outdir: folder,
    splitting: true,
    outExtension: { '.js': '.mjs' },
    plugins: [inPlace, named],
  });
  const inputs: Metafile['inputs'][] = [mains.metafile.inputs];
  for (const file of threads) {
    const thread = await build({ ...OPTIONS, external, entryPoints: [join(ROOT, file)], outfile: join(folder, file) });
    inputs.push(thread.metafile.inputs);
  }
  const packages = new Map(whole.flatMap((name) => [...closureOf(name, ROOT)]));
  for (const [from, to] of packages) {
    cpSync(from, join(folder, to), {
      recursive: true,
      filter: (file) => !needless.test(file.slice(from.length)) && !file.slice(from.length).includes('/node_modules'),
    });
  }
  for (const file of [...beside, 'LICENSE'])
    cpSync(join(ROOT, file), join(folder, file), {
      recursive: true,
      filter: (each) => !needless.test(each.slice(ROOT.length)),
    });
  // without it, what is in it would be taken for CommonJS
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  const bundled = inputs
    .flatMap(Object.keys)
    .flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return new Set([...bundled, ...packages.values()]);
};

/** One time and one set of rights for all files: the same source makes the same image. */
const settle = (path: string, time: number): void => {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const file = join(path, entry.name);
    if (entry.isDirectory()) settle(file, time);
    else if (!entry.isSymbolicLink())
      chmodSync(file, /\.(node|so[.\d]*)$|\/(node|ld-[^/]*)$/.test(file) ? 0o755 : 0o644);
    lutimesSync(file, time, time);
  }
  chmodSync(path, 0o755);
  lutimesSync(path, time, time);
};

/**
 * Makes the folder anew.
 *
 * @param options `whole`: the file system of an image; `libraries`: with those of Node, for a base that has none
 * @example await assemble('sidecar', '/app'); // node /app/sidecar.mjs
 */
export const assemble = async (
  role: RoleName,
  folder: string,
  { whole = false, libraries = true }: { whole?: boolean; libraries?: boolean } = {},
): Promise<void> => {
  const time = Number(process.env.SOURCE_DATE_EPOCH ?? 0);
  const place = whole ? join(folder, 'app') : folder;
  if (whole) rmSync(folder, { recursive: true, force: true });
  const packages = await app(ROLES[role], place);
  writeFileSync(join(place, 'sbom.cdx.json'), bill(role, packages, ROOT));
  if (whole) root(folder, libraries);
  settle(folder, time);
};

if (import.meta.main) {
  const [role, folder] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const name = ROLE_NAMES.find((each) => each === role);
  if (!name || !folder) {
    process.stderr.write(
      `say what and where: node infra/container/${basename(import.meta.filename)} <${ROLE_NAMES.join('|')}> <folder>\n`,
    );
    process.exit(2);
  }
  const has = (option: string) => process.argv.includes(option);
  await assemble(name, resolve(folder), { whole: !has('--app'), libraries: !has('--without-libraries') });
  process.stdout.write(`${folder}\n`);
}
