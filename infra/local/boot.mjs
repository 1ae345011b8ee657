/**
 * Runs a program of this project from a bundle of it, where there is one of just this code, and as it stands otherwise.
 *
 * Reading hundreds of small files, taking the types out and looking packages up costs more than the start itself. So
 * `bundle.ts` makes one bundle of each program, at the end of `npm ci` and after a start that found none; and what V8
 * compiled is kept for the next start. Both live in node_modules/.cache/perfect21 and may be removed at any time.
 */
// asked for and not imported: an import reads every export, and those of fs load all streams
const { readFileSync, statSync } = process.getBuiltinModule('node:fs');
const module = process.getBuiltinModule('node:module');
const { basename, join, resolve } = process.getBuiltinModule('node:path');
const { pathToFileURL } = process.getBuiltinModule('node:url');

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

/**
 * Runs it in this process.
 *
 * @param {string} program its path from the top of the project
 * @param later makes the bundle for the next time
 */
export const run = async (program, later = bundleLater) => {
  module.enableCompileCache?.(join(CACHE, 'compiled'));
  const bundle = bundleOf(program);
  await import(pathToFileURL(bundle ?? join(ROOT, program)).href);
  // now, for a process that is killed leaves nothing at its end
  module.flushCompileCache?.();
  if (!bundle) await later(program);
};
