/** `npm run package`: fresh files, then `serverless package`, then a look at what came out. No account, no network. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, bundlesIn, faultsOf, MAX_BUNDLE, MAX_RESOURCES, resourcesIn } from './aws/bundles.ts';
import { noteStarts } from './aws/starts.ts';
import { forgetWeights, growth, notedWeights, noteWeights, weightsOf } from './aws/weights.ts';
import { ROOT, staleFiles } from './generate/files.ts';
import { generateAll, OWNED } from './generate/index.ts';

/** A build that failed leaves esbuild's service running, so the tool does not end by itself. */
const PACKAGE_MS = 180_000;

/** Runs `serverless package` and gives what it said; throws when it failed. */
export const serverlessPackage = async (): Promise<string> => {
  forgetWeights();
  const cli = join(createRequire(import.meta.url).resolve('serverless/package.json'), '../bin/serverless.js');
  // it leaves a folder a function in the temporary one
  const TMPDIR = mkdtempSync(join(tmpdir(), 'perfect21-package-'));
  const env = { ...process.env, TMPDIR };
  const child = spawn(process.execPath, [cli, 'package'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), PACKAGE_MS);
  const note = (chunk: Buffer): void => {
    said += chunk;
    if (/✘ \[ERROR\]|^Error:/m.test(said)) setTimeout(() => child.kill('SIGKILL'), 1_000).unref();
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  rmSync(TMPDIR, { recursive: true, force: true });
  if (code !== 0) throw new Error(said.trim());
  return said;
};

/** Where it puts its results. */
export const PACKAGE = join(ROOT, '.serverless');

/** Judges the template by the schemas of its resources, where cfn-lint is installed (PyPI). Undefined where it is not. */
const linted = (): string[] | undefined => {
  const file = join(PACKAGE, 'cloudformation-template-update-stack.json');
  // the file is indented, what is deployed is not; a name without a certificate is refused at the deployment
  const ignored = ['--ignore-checks', 'W', 'I', 'E1002', 'E1159'];
  const { error, status, stdout } = spawnSync('cfn-lint', ['-t', file, '--format', 'parseable', ...ignored], {
    encoding: 'utf8',
  });
  if (error) return undefined;
  return status === 0 ? [] : stdout.trim().split('\n');
};

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(7)} kB`;

const main = async (): Promise<void> => {
  const fail = (lines: readonly string[]): void => {
    for (const line of lines) console.error(line);
    if (lines.length) process.exitCode = 1;
  };
  const stale = staleFiles(await generateAll(), OWNED);
  fail(stale.map((path) => `${path} is stale: run "npm run generate"`));
  if (!stale.length) {
    try {
      await serverlessPackage();
      const resources = Object.keys(resourcesIn(PACKAGE)).length;
      const bundles: Bundle[] = bundlesIn(PACKAGE);
      console.log(`${resources} CloudFormation resources (at most ${MAX_RESOURCES})`);
      console.log(`${bundles.length} functions, each below${kB(MAX_BUNDLE)}`);
      for (const { name, size } of bundles) console.log(`${kB(size)}  ${name}`);
      if (resources > MAX_RESOURCES) fail([`a stack takes ${MAX_RESOURCES} resources: split the service`]);
      fail(bundles.flatMap(faultsOf));
      const weights = weightsOf(bundles);
      if (process.argv.includes('--note')) {
        noteWeights(weights);
        const { startsOfPackage } = await import('../test/cloud/starts.ts');
        noteStarts(await startsOfPackage());
      } else fail(growth(notedWeights(), weights));
      const lint = linted();
      console.log(
        lint ? `cfn-lint: ${lint.length} faults` : 'cfn-lint is not installed: schemas of resources were not looked at',
      );
      fail(lint ?? []);
    } catch (thrown) {
      fail([(thrown as Error).message]);
    }
  }
};

// not awaited here: what starts are measured with imports this file
if (import.meta.main) void main();
