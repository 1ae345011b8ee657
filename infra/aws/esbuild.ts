/** How serverless-esbuild bundles the functions. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** Bundled nowhere: in the runtime (the SDK), or never part of a function (drivers of other engines, native addons). */
const EXTERNAL = ['@aws-sdk/*', 'pg', 'pg-native', 'amqplib', '@node-rs/argon2'];

/** Some dependencies are CommonJS and ask for Node's modules by `require`. */
const REQUIRE =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

const OPTIONS = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  legalComments: 'none',
  banner: { js: REQUIRE },
  external: EXTERNAL,
} satisfies BuildOptions;

const absent = (names: readonly string[], why: string): string =>
  names
    .map((name) => `export const ${name} = () => { throw new Error(${JSON.stringify(`${name}: ${why}`)}); };`)
    .join('\n');

interface Replacement {
  filter: RegExp;
  contents: string;
}

/** Functions make no documents: zod's way to JSON Schema is 18 kB that nothing calls. */
const NO_JSON_SCHEMA: Replacement[] = [
  {
    filter: /\/zod\/v4\/core\/to-json-schema\.js$/,
    contents: absent(['createToJSONSchemaMethod', 'createStandardJSONSchemaMethod'], 'not bundled'),
  },
  { filter: /\/zod\/v4\/core\/json-schema-processors\.js$/, contents: absent(['toJSONSchema'], 'not bundled') },
  { filter: /\/zod\/v4\/core\/json-schema-generator\.js$/, contents: absent(['JSONSchemaGenerator'], 'not bundled') },
];

/** What an entry takes where it does not run in AWS; what is deployed leaves it out. */
const NOTHING_LOCAL: Replacement[] = [
  { filter: /\/shared\/store\/sqlite\/adapter\.ts$/, contents: absent(['sqliteStore'], 'not in AWS') },
  { filter: /\/shared\/keys\/file-keys\.ts$/, contents: "export const fileKeys = { port: 'keys', needs: [] };" },
];

const replace = (replacements: readonly Replacement[]): Plugin => ({
  name: 'leave-out',
  setup({ onLoad }) {
    for (const { filter, contents } of replacements) onLoad({ filter }, () => ({ contents, loader: 'js' }));
  },
});

const LOGGER = dirname(createRequire(import.meta.url).resolve('@aws-lambda-powertools/logger'));

/** Powertools' packages bring their common part each for itself: one copy is enough for a bundle. */
const oneCommons: Plugin = {
  name: 'one-commons',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@aws-lambda-powertools\/commons/ }, ({ path, kind, pluginData }) =>
      pluginData === LOGGER ? undefined : resolve(path, { kind, resolveDir: LOGGER, pluginData: LOGGER }),
    );
  },
};

/** Parts that only some containers load: each a bundle of its own, beside those of the functions. */
const LAZY = /\/(lambda-tracer)\.ts$/;
const building = new Map<string, Promise<unknown>>();

/** Makes `import('./lambda-tracer.ts')` load `./lambda-tracer.mjs`, and builds that once. */
const lazyParts: Plugin = {
  name: 'lazy-parts',
  setup({ onResolve, onEnd, initialOptions: { outdir } }) {
    onResolve({ filter: LAZY }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const name = LAZY.exec(path)![1]!;
      const outfile = join(outdir!, `${name}.mjs`);
      mkdirSync(outdir!, { recursive: true });
      if (!building.has(outfile)) {
        building.set(outfile, build({ ...OPTIONS, entryPoints: [join(resolveDir, path)], outfile }));
      }
      return { path: `./${name}.mjs`, external: true };
    });
    onEnd(async () => void (await Promise.all(building.values())));
  },
};

/** The plugins of a build: for AWS, or for this machine (`npm run offline`). */
export const pluginsFor = (target: 'aws' | 'local'): Plugin[] => [
  lazyParts,
  oneCommons,
  replace(target === 'aws' ? [...NO_JSON_SCHEMA, ...NOTHING_LOCAL] : NO_JSON_SCHEMA),
];

/** The options of `custom.esbuild`, by a function as the plugin wants it. */
const options = ({ processedInput }: { processedInput: { commands: readonly string[] } }) => ({
  ...OPTIONS,
  // what the plugin neither bundles nor installs
  exclude: EXTERNAL,
  external: [],
  outputFileExtension: '.mjs',
  // several builds may go on at once
  outputWorkFolder: `.esbuild/${process.pid}`,
  plugins: pluginsFor(processedInput.commands[0] === 'offline' ? 'local' : 'aws'),
  concurrency: 4,
});

// the plugin takes what `require` gives
export { options as 'module.exports' };
