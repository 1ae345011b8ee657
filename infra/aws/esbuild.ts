/** How serverless-esbuild bundles the functions. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** Bundled nowhere: in the runtime (the SDK), or never part of a function (drivers of other engines, native addons). */
const EXTERNAL = ['@aws-sdk/*', '@smithy/*', 'pg', 'amqplib', '@node-rs/argon2', 'pg-native'];

/** Some dependencies are CommonJS and ask for Node's modules by `require`. */
const REQUIRE = "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

const OPTIONS = {
  bundle: true,
  minify: true,
  // names of functions stand in logs
  keepNames: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: REQUIRE },
  external: EXTERNAL,
} satisfies BuildOptions;

/** Big parts that only some containers load: each a bundle of its own, beside those of the functions. */
const LAZY = /\/(lambda-tracer)\.ts$/;

const built = new Map<string, Promise<unknown>>();

/** Makes `import('./lambda-tracer.ts')` load `./lambda-tracer.mjs`, and builds that once. */
const lazyParts: Plugin = {
  name: 'lazy-parts',
  setup({ onResolve, onEnd, initialOptions: { outdir } }) {
    onResolve({ filter: LAZY }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const name = LAZY.exec(path)![1]!;
      const outfile = join(outdir!, `${name}.mjs`);
      mkdirSync(outdir!, { recursive: true });
      if (!built.has(outfile)) built.set(outfile, build({ ...OPTIONS, entryPoints: [join(resolveDir, path)], outfile }));
      return { path: `./${name}.mjs`, external: true };
    });
    onEnd(async () => void (await Promise.all(built.values())));
  },
};

/** The options of `custom.esbuild`, as a function as the plugin wants it. */
const options = () => ({
  ...OPTIONS,
  // `exclude` is what the plugin neither bundles nor installs
  exclude: EXTERNAL,
  external: [],
  outputFileExtension: '.mjs',
  plugins: [lazyParts],
  concurrency: 4,
  watch: { pattern: [] },
});

// the plugin takes what `require` gives
export { options as 'module.exports' };
