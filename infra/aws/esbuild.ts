/** How serverless-esbuild bundles the functions. */
import { copyFileSync, globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin, type ResolveResult } from 'esbuild';
import { DOCUMENT, EVENT_DOCUMENT, ROOT } from '../generate/files.ts';
import { leaveOut } from './leave-out.ts';
import { weighed } from './weights.ts';

/** Bundled nowhere: in the runtime (the SDK), or never part of a function (drivers of other engines, native addons). */
const EXTERNAL = ['@aws-sdk/*', 'pg', 'pg-native', 'amqplib', '@node-rs/argon2'];

// esbuild, which is Go, keeps little from one build to the next: a quarter of its work was looking what may go
process.env.GOGC ??= '400';
process.env.GOMEMLIMIT ??= '768MiB';

/** The function that carries events to RabbitMQ. */
const AMQP = 'bridge-to-rabbitmq';

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
  // templates are Chinese, too: three bytes a character instead of six
  charset: 'utf8',
  banner: { js: REQUIRE },
  external: EXTERNAL,
} satisfies BuildOptions;

const LOGGER = dirname(createRequire(import.meta.url).resolve('@aws-lambda-powertools/logger'));

/** Where what they import of it stands, which is the same in each build. */
const commons = new Map<string, Promise<ResolveResult>>();

/** Powertools' packages bring their common part each for itself: one copy is enough for a bundle. */
const oneCommons: Plugin = {
  name: 'one-commons',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@aws-lambda-powertools\/commons/ }, ({ path, kind, pluginData }) => {
      if (pluginData === LOGGER) return undefined;
      const found = commons.get(`${kind} ${path}`) ?? resolve(path, { kind, resolveDir: LOGGER, pluginData: LOGGER });
      commons.set(`${kind} ${path}`, found);
      return found;
    });
  },
};

/**
 * What is imported when it is first used becomes a file of its own, beside the bundle of each function that can reach it:
 * heavy parts, named `*.heavy.ts`, and whatever else waits for its first use. What both need is in a third file, so that
 * nothing is there twice. The plugin takes a file whose name begins with a function's own into that function's package,
 * and into no other.
 */
const laterParts: Plugin = {
  name: 'later-parts',
  setup({ initialOptions }) {
    const [entry] = Array.isArray(initialOptions.entryPoints) ? initialOptions.entryPoints : [];
    if (typeof entry !== 'string') return;
    initialOptions.splitting = true;
    initialOptions.chunkNames = `${basename(entry, '.ts')}.[name]-[hash]`;
  },
};

/** The one function that speaks AMQP has the library beside its bundle. */
const amqpBeside: Plugin = {
  name: 'amqp-beside',
  setup({ onResolve, onEnd, initialOptions: { entryPoints, outdir } }) {
    const [entry] = Array.isArray(entryPoints) ? entryPoints : [];
    if (typeof entry !== 'string' || basename(entry, '.ts') !== AMQP) return;
    const path = `./${AMQP}.amqp.mjs`;
    let built: Promise<unknown> | undefined;
    onResolve({ filter: /^amqplib$/ }, () => {
      const contents = "export { connect, credentials } from 'amqplib';";
      const external = EXTERNAL.filter((name) => name !== 'amqplib');
      built ??= build({ ...OPTIONS, external, stdin: { contents, resolveDir: ROOT }, outfile: join(outdir!, path) });
      return { path, external: true };
    });
    onEnd(async () => void (await built));
  },
};

/** `package.patterns` puts files beside the function that is deployed; the emulator looks for them beside its bundles. */
const besideLocally: Plugin = {
  name: 'beside-locally',
  setup({ onEnd, initialOptions: { outdir } }) {
    onEnd(() => {
      for (const file of [DOCUMENT, EVENT_DOCUMENT]) copyFileSync(join(ROOT, file), join(outdir!, basename(file)));
    });
  },
};

let together: Promise<unknown> | undefined;

/** Bundles of all functions, each with the parts that wait for their first use. */
const buildTogether = (outdir: string): Promise<unknown> =>
  build({
    ...OPTIONS,
    entryPoints: globSync(join(ROOT, 'functions/lambda/*.ts')),
    entryNames: '[name].whole',
    outdir,
    outExtension: { '.js': '.mjs' },
    plugins: [oneCommons, leaveOut('local')],
  });

/**
 * A build for each function reads what they share a hundred times, which is most of its work. Here, where nobody counts bytes,
 * one build makes all, and what the plugin bundles for each names its file.
 */
const builtTogether: Plugin = {
  name: 'built-together',
  setup({ onLoad, onResolve, initialOptions: { outdir } }) {
    onResolve({ filter: /\.whole\.mjs$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /\/functions\/lambda\/[\w-]+\.ts$/ }, async ({ path }) => {
      together ??= buildTogether(outdir!);
      await together;
      return { contents: `export * from './${basename(path, '.ts')}.whole.mjs';`, loader: 'js' };
    });
  },
};

/** The plugins of a build: for AWS, or for this machine (`npm run offline`). */
export const pluginsFor = (target: 'aws' | 'local'): Plugin[] =>
  target === 'aws' ? [weighed, laterParts, amqpBeside, oneCommons, leaveOut(target)] : [builtTogether, besideLocally];

/** The options of `custom.esbuild`, by a function as the plugin wants it. */
const options = ({ processedInput }: { processedInput: { commands: readonly string[] } }) => ({
  // nothing is built again: what a build read would be kept, 30 MB a function, and a function that was called is not loaded anew
  skipRebuild: true,
  watch: { pattern: [] },
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
