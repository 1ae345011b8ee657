/**
 * Makes the bundles from which programs start: `node infra/local/bundle.ts [<program>…]`.
 *
 * Without esbuild, which comes for development only, or where nothing can be written, it does nothing: programs then run
 * as they stand. Only what is always needed is bundled; engines of others are found in node_modules when they are chosen.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { setPriority } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { CACHE, manifestOf, PACKAGES, ROOT, stampOf } from './boot.mjs';
import { lateOperations } from './late-operations.ts';

const PROGRAMS = ['infra/local/start.ts', 'infra/operator/main.ts', 'infra/sidecar/sidecar.ts'];
/** Native addons, and what is loaded late or by few, and large. */
const EXTERNAL = [
  '@node-rs/argon2',
  'pg-native',
  '@aws-sdk/*',
  'amqplib',
  'mailparser',
  'nodemailer',
  'pg',
  'smtp-server',
  '@opentelemetry/otlp-*',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-*',
];
/** Modules of Node's that packages require for what never or seldom happens. They take a millisecond each. */
const SELDOM = ['assert', 'https', 'zlib'];
/** Seldom called in a start; what is under them takes a millisecond or several. */
const CALLED = ['fs/promises', 'https'];
/** Older bundles are kept for processes that still run from them. */
const KEPT_MS = 30 * 86_400_000;
const BUILDING_MS = 60_000;

/** The text of a file that finds what lies beside it, wherever the bundle is. */
const textInPlace = (path: string): string => {
  const text = readFileSync(path, 'utf8');
  const contents = text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
  if (contents !== text || !/\b__(dirname|filename)\b/.test(text)) return contents;
  return `var __dirname=${JSON.stringify(dirname(path))},__filename=${JSON.stringify(path)};${contents}`;
};

const inPlace: Plugin = {
  name: 'in-place',
  setup: ({ onLoad }) => {
    // pushes nothing, and brings a client of HTTP and zlib
    onLoad({ filter: /prom-client\/lib\/pushgateway\.js$/ }, () => ({ contents: 'module.exports = undefined;' }));
    onLoad({ filter: /\.[cm]?[jt]s$/, namespace: 'file' }, ({ path }) => ({
      contents: textInPlace(path),
      loader: path.endsWith('ts') ? 'ts' : 'js',
    }));
  },
};

/** Node's modules without the facade that an import makes: it reads every export, and those of http load a whole client. */
const builtins: Plugin = {
  name: 'builtins',
  setup: ({ onResolve, onLoad }) => {
    const known = new Set(builtinModules);
    onResolve({ filter: /^(node:)?[a-z_0-9/]+$/ }, ({ path, kind }) =>
      path.startsWith('node:') || known.has(path)
        ? { path: path.replace(/^node:/, ''), namespace: kind === 'import-statement' ? 'builtin' : 'required-builtin' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'required-builtin' }, ({ path }) => ({
      contents: SELDOM.includes(path)
        ? `const load = () => process.getBuiltinModule('node:${path}');
           module.exports = new Proxy(() => {}, { get: (_, name) => load()[name], apply: (_, that, given) => load()(...given) });`
        : `module.exports = process.getBuiltinModule('node:${path}')`,
      loader: 'js',
    }));
    // each name by itself, so that only those that are used are read, and none by a getter at each use
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const found = (process.getBuiltinModule(`node:${path}`) ?? {}) as Record<string, unknown>;
      const late = CALLED.includes(path);
      const names = Object.keys(found).filter(
        (name) => /^[A-Za-z_$][\w$]*$/.test(name) && !(late && typeof found[name] !== 'function'),
      );
      const builtin = `process.getBuiltinModule('node:${path}')`;
      const constants = names.map((name, n) =>
        late
          ? `const $${n} = function (...given) { const it = ${builtin}.${name}; return new.target ? Reflect.construct(it, given, new.target === $${n} ? it : new.target) : it(...given); };`
          : `const $${n} = /* @__PURE__ */ (() => builtin.${name})();`,
      );
      const exported = names.filter((name) => name !== 'default').map((name) => `$${names.indexOf(name)} as ${name}`);
      return {
        contents: [
          late
            ? `const builtin = new Proxy({}, { get: (_, name) => ${builtin}[name] });`
            : `const builtin = ${builtin};`,
          ...constants,
          `export { builtin as default, ${exported.join(', ')} };`,
        ].join('\n'),
        loader: 'js',
      };
    });
  },
};

const write = (file: string, content: string | Uint8Array): void => {
  writeFileSync(`${file}.${process.pid}`, content);
  renameSync(`${file}.${process.pid}`, file);
};

/** Makes the bundle of one program, in a folder named by its content. */
const bundle = async (program: string): Promise<void> => {
  const { build } = await import('esbuild');
  const name = basename(program, '.ts');
  const operations = join(ROOT, 'functions');
  const late = existsSync(operations) ? [lateOperations(operations, textInPlace)] : [];
  const { outputFiles, metafile } = await build({
    entryPoints: { main: join(ROOT, program) },
    outdir: join(CACHE, name),
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // parts that are loaded late stand in the same script, and what is found in node_modules is required
    supported: { 'dynamic-import': false },
    external: EXTERNAL,
    legalComments: 'none',
    // zod asks whether this is Cloudflare, and Node makes what describes a browser for that
    define: { navigator: 'undefined' },
    // half to read; lines stay short, so that a stack says where
    minifyWhitespace: true,
    lineLimit: 160,
    metafile: true,
    write: false,
    logLevel: 'silent',
    plugins: [...late, inPlace, builtins],
    banner: { js: '(function (exports, require) { const module = { exports };' },
    footer: { js: 'Object.assign(exports, module.exports); })' },
  });
  const inputs = Object.keys(metafile.inputs).filter((file) => !file.includes('node_modules/') && !file.includes(':'));
  const stamps = Object.fromEntries([...inputs, PACKAGES].map((file) => [file, stampOf(file)]));
  const hash = createHash('sha256');
  // esbuild leaves expressions and comments as they are; an escape means the same in both
  const text = outputFiles[0]!.text.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  hash.update(text);
  const folder = `${name}-${hash.digest('hex').slice(0, 16)}`;
  mkdirSync(join(CACHE, folder), { recursive: true });
  write(join(CACHE, folder, 'main.cjs'), text);
  write(manifestOf(program), JSON.stringify({ main: `${folder}/main.cjs`, inputs: stamps, node: process.version }));
  for (const each of readdirSync(CACHE)) {
    const old = each.startsWith(`${name}-`) && each !== folder && Date.now() - statSync(join(CACHE, each)).mtimeMs;
    if (old && old > KEPT_MS) rmSync(join(CACHE, each), { recursive: true, force: true });
  }
};

/** True for one of several processes that would make the same. */
const isFirst = (lock: string): boolean => {
  try {
    mkdirSync(lock, { recursive: false });
    return true;
  } catch {
    if (Date.now() - statSync(lock).mtimeMs < BUILDING_MS) return false;
    return true;
  }
};

try {
  setPriority(19);
  mkdirSync(CACHE, { recursive: true });
  for (const program of process.argv.length > 2 ? process.argv.slice(2) : PROGRAMS) {
    const lock = `${manifestOf(program)}.lock`;
    if (!isFirst(lock)) continue;
    await bundle(program).finally(() => rmSync(lock, { recursive: true, force: true }));
  }
} catch (cause) {
  if (process.env.DEBUG) throw cause;
}
