/** Programs that start from a bundle behave as their sources, whatever was done to these. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../infra/generate/files.ts';

const root = mkdtempSync(join(tmpdir(), 'perfect21-boot-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let number = 0;
let project = '';

const write = (file: string, content: string) => writeFileSync(join(project, file), content);
const say = (text: string) => write('infra/local/said.ts', `export const said: string = '${text}';\n`);

/** A project of three files, and esbuild. */
beforeEach(() => {
  number += 1;
  project = join(root, String(number));
  mkdirSync(join(project, 'infra/local'), { recursive: true });
  mkdirSync(join(project, 'node_modules'));
  for (const name of ['esbuild', '@esbuild'])
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  for (const name of ['boot.mjs', 'bundle.ts', 'late-operations.ts'])
    cpSync(join(ROOT, 'infra/local', name), join(project, 'infra/local', name));
  write('package.json', '{"type":"module"}');
  write('node_modules/.package-lock.json', '{}');
  write('infra/local/beside.txt', 'beside');
  say('first');
  write(
    'infra/local/program.ts',
    `import { readFileSync } from 'node:fs';
     import { said } from './said.ts';
     const beside = readFileSync(new URL('./beside.txt', import.meta.url), 'utf8');
     const bundled = /\\.cache/.test(new Error().stack ?? '');
     process.stdout.write(JSON.stringify({ said, beside, bundled, args: process.argv.slice(2) }));`,
  );
  const runner = (rest: string) => `import { run } from './boot.mjs';\nawait run('infra/local/program.ts'${rest});\n`;
  write('infra/local/run.mjs', runner(''));
  write('infra/local/run-only.mjs', runner(', () => {}'));
});

const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
const bundle = () => expect(node('infra/local/bundle.ts', 'infra/local/program.ts').status).toBe(0);
const run = (runner = 'run-only') => JSON.parse(node(`infra/local/${runner}.mjs`, 'an', 'argument').stdout);
const cache = () => join(project, 'node_modules/.cache/perfect21');
const manifest = () => join(cache(), 'program.json');
const compiled = () =>
  readdirSync(cache(), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.compiled'))
    .map((name) => join(cache(), name));

describe('a program', () => {
  const source = { said: 'first', beside: 'beside', bundled: false, args: ['an', 'argument'] };

  test('runs as it stands where there is no bundle, and has one made for the next time', async () => {
    expect(run('run')).toEqual(source);
    await expect.poll(() => existsSync(manifest()), { timeout: 20_000 }).toBe(true);
    expect(run()).toEqual({ ...source, bundled: true });
  });

  test('runs from its bundle while nothing has changed, and finds what lies beside its source', () => {
    bundle();
    for (let n = 0; n < 2; n += 1) expect(run()).toEqual({ ...source, bundled: true });
  });

  test('keeps what V8 compiled for the next start, and does without it where it is damaged or of other options', () => {
    bundle();
    expect(run()).toMatchObject({ bundled: true });
    const [file, ...more] = compiled();
    expect(more).toEqual([]);
    const whole = readFileSync(file!);
    expect(whole.length).toBeGreaterThan(100);
    const halfZero = Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.alloc(whole.length / 2)]);
    for (const damaged of [Buffer.alloc(0), whole.subarray(0, 50), halfZero]) {
      writeFileSync(file!, damaged);
      expect(run()).toMatchObject({ bundled: true });
      expect(readFileSync(file!).length).toBe(whole.length);
    }
    expect(JSON.parse(node('--no-opt', 'infra/local/run-only.mjs').stdout)).toMatchObject({ bundled: true });
    expect(compiled()).toHaveLength(2);
  });

  test('that says when it has started is waited for, and letters of all scripts arrive', () => {
    write(
      'infra/local/program.ts',
      `const start = async () => {
         await new Promise((resolve) => setTimeout(resolve, 1));
         process.stdout.write(JSON.stringify({ said: 'Zoë 日本 \u{1f600}', match: /^[ä-ü😀]+$/u.test('äöü😀') }));
       };
       export const started = start();`,
    );
    bundle();
    expect(run()).toEqual({ said: 'Zoë 日本 😀', match: true });
    expect(compiled()).toHaveLength(1);
  });

  test('runs as it stands when a source, the packages or Node changed, or the bundle is gone', () => {
    bundle();
    const made = readFileSync(manifest(), 'utf8');
    say('other');
    expect(run()).toEqual({ ...source, said: 'other' });
    bundle();
    expect(run()).toEqual({ ...source, said: 'other', bundled: true });
    say('first');
    writeFileSync(manifest(), made);
    expect(run()).toMatchObject({ said: 'first', bundled: false });
    bundle();
    write('node_modules/.package-lock.json', '{"packages":{}}');
    expect(run()).toEqual(source);
    bundle();
    writeFileSync(manifest(), readFileSync(manifest(), 'utf8').replace(process.version, 'v0.0.0'));
    expect(run()).toEqual(source);
    bundle();
    rmSync(join(project, 'node_modules/.cache/perfect21', JSON.parse(readFileSync(manifest(), 'utf8')).main));
    expect(run()).toEqual(source);
  });

  test('runs where nothing can be bundled, for want of esbuild', () => {
    rmSync(join(project, 'node_modules/esbuild'));
    bundle();
    expect(existsSync(manifest())).toBe(false);
    expect(run()).toEqual(source);
  });
});
