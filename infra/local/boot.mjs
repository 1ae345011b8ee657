/**
 * Runs a program of this project from a bundle of it, where there is one of just this code, and as it stands otherwise.
 *
 * Reading hundreds of small files, taking the types out and looking packages up costs more than the start itself. So
 * `bundle.ts` makes one script of each program, at the end of `npm ci` and after a start that found none; and what V8
 * compiled of it in a start is kept for the next one. Both live in node_modules/.cache/perfect21 and may be removed at
 * any time.
 *
 * A program exports `started`: a promise that is kept when it has started.
 */
// asked for and not imported: an import reads every export, and those of fs load all streams
const { readFileSync, renameSync, statSync, writeFileSync } = process.getBuiltinModule('node:fs');
const module = process.getBuiltinModule('node:module');
const { basename, dirname, join, resolve } = process.getBuiltinModule('node:path');
const { pathToFileURL } = process.getBuiltinModule('node:url');
const { Script } = process.getBuiltinModule('node:vm');

export const ROOT = resolve(import.meta.dirname, '../..');
export const CACHE = join(ROOT, 'node_modules/.cache/perfect21');
/** Changes with every `npm ci` and `npm install`. */
export const PACKAGES = 'node_modules/.package-lock.json';

/** The file that says of which files a bundle was made. @param {string} program its path from the top of the project */
export const manifestOf = (program) => join(CACHE, `${basename(program, '.ts')}.json`);

/** What tells a file from what it was; a changed content changes it. @param {string} file from the top of the project */
export const stampOf = (file) => {
  const { size, mtimeMs } = statSync(`${ROOT}/${file}`);
  return `${size} ${mtimeMs}`;
};

const bundleOf = (program) => {
  try {
    const { main, inputs, node } = JSON.parse(readFileSync(manifestOf(program), 'utf8'));
    const same = node === process.version && Object.entries(inputs).every(([file, stamp]) => stampOf(file) === stamp);
    return same && statSync(join(CACHE, main)).isFile() ? join(CACHE, main) : undefined;
  } catch {
    return undefined;
  }
};

/** Makes the bundle for the next time, beside what the program does, and when the machine has nothing better to do. */
const bundleLater = async (program) => {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bundle.ts'), program], {
    detached: true,
    stdio: 'ignore',
  });
  child.on('error', () => {});
  child.unref();
};

/** What V8 makes of a script depends on its version, which is Node's, and on options. */
const compiledOf = (main) => {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ').trim();
  return join(dirname(main), `${process.arch}${encodeURIComponent(options).slice(-100)}.compiled`);
};

/**
 * What an earlier start left, as it was written. A power cut may have left anything, so it stands there twice: to compare two
 * megabytes takes a tenth of a millisecond, and to load zlib for a checksum one and a half.
 */
const readCompiled = (file) => {
  try {
    const bytes = readFileSync(file);
    const half = bytes.length / 2;
    return half > 0 && bytes.subarray(0, half).equals(bytes.subarray(half)) ? bytes.subarray(0, half) : undefined;
  } catch {
    return undefined;
  }
};

const writeCompiled = (file, compiled) => {
  try {
    writeFileSync(`${file}.${process.pid}`, Buffer.concat([compiled, compiled]));
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // a folder that can't be written only makes the next start slower
  }
};

/** One script, and not modules: Node resolves, reads, links and compiles each of those by itself. */
const runBundle = async (main, program) => {
  const kept = compiledOf(main);
  const cachedData = readCompiled(kept);
  // bundles are ASCII, which V8 takes without looking at each character
  const script = new Script(readFileSync(main, 'latin1'), { filename: main, cachedData });
  const exported = {};
  script.runInThisContext()(exported, module.createRequire(join(ROOT, program)));
  await exported.started;
  // now, when what a start runs is compiled, and for a process that is killed leaves nothing at its end
  if (!cachedData || script.cachedDataRejected) writeCompiled(kept, script.createCachedData());
};

/**
 * Runs it in this process.
 *
 * @param {string} program its path from the top of the project
 * @param later makes the bundle for the next time
 */
export const run = async (program, later = bundleLater) => {
  const bundle = bundleOf(program);
  if (bundle) return runBundle(bundle, program);
  module.enableCompileCache?.(join(CACHE, 'compiled'));
  await (await import(pathToFileURL(join(ROOT, program)).href)).started;
  await later(program);
};
