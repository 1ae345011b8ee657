/**
 * Puts the sidecar together in one folder: `node infra/sidecar/assemble.ts <folder>`. What stands there needs Node and nothing
 * else: no package manager, no TypeScript, no file outside of it. An image is that folder and Node (Containerfile).
 */
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
/** They read files of their own beside themselves. */
const WHOLE = ['grpc-health-check', '@grpc/reflection'];
const BESIDE = ['proto/gen/descriptors.binpb', 'LICENSE'];

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

/** A package and all that it depends on, as npm put them. */
const closureOf = (name: string, from: string, found = new Map<string, string>()): Map<string, string> => {
  let folder = from;
  while (folder !== dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    try {
      const { dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
      if (found.has(path)) return found;
      found.set(path, relative(ROOT, path));
      for (const each of Object.keys(dependencies)) closureOf(each, path, found);
      return found;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
      folder = dirname(folder);
    }
  }
  throw new Error(`${name} is not installed`);
};

/** Makes the folder anew. @example await assemble('/app'); // node /app/sidecar.mjs */
export const assemble = async (folder: string): Promise<void> => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: { sidecar: join(ROOT, 'infra/sidecar/sidecar.ts') },
    outdir: folder,
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    minifySyntax: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    external: [...WHOLE, 'pino-pretty'],
    legalComments: 'none',
    logLevel: 'error',
    plugins: [inPlace],
    banner: {
      js: `import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);`,
    },
  });
  const packages = new Map(WHOLE.flatMap((name) => [...closureOf(name, ROOT)]));
  for (const [from, to] of packages) {
    cpSync(from, join(folder, to), {
      recursive: true,
      filter: (file) => !/\.(d\.[cm]?ts|map|md)$/.test(file) && !file.slice(from.length).includes('/node_modules'),
    });
  }
  for (const file of BESIDE) cpSync(join(ROOT, file), join(folder, file));
};

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (!folder) {
    process.stderr.write('say where: node infra/sidecar/assemble.ts <folder>\n');
    process.exit(2);
  }
  await assemble(resolve(folder));
  process.stdout.write(`${folder}: node ${join(folder, 'sidecar.mjs')}\n`);
}
