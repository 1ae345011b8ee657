/**
 * `npm run build:clients`: what `perfect21/grpc` and `perfect21/rest` are for other programs, as JavaScript with declarations.
 *
 * Node takes types out of a project's own files and refuses to do so in node_modules, so that a package has to be JavaScript.
 * Files stand in dist/clients as they do here, each compiled by itself.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const OUT = join(ROOT, 'dist/clients');

rmSync(OUT, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'infra/clients'], { cwd: ROOT, stdio: 'inherit' });
if (status !== 0 || !existsSync(OUT)) process.exit(status || 1);

// the compiler leaves endings in declarations as they are written here, and there is no such file there
for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.d.ts'))) {
  const file = join(OUT, name);
  const text = readFileSync(file, 'utf8');
  const rewritten = text.replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');
  if (rewritten !== text) writeFileSync(file, rewritten);
}
process.stdout.write('perfect21/grpc and perfect21/rest are in dist/clients\n');
