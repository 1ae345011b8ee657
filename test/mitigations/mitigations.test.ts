import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MITIGATIONS } from './mitigations.ts';
import { removed } from './without.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs');

interface Report {
  numFailedTests: number;
}

const run = (file: string, promise: string, without: string): Promise<Report> =>
  new Promise((resolve, reject) => {
    const folder = mkdtempSync(join(tmpdir(), 'perfect21-without-'));
    const report = join(folder, 'report.json');
    const args = [
      VITEST,
      'run',
      file,
      '--reporter=json',
      `--outputFile=${report}`,
      ...(promise ? ['-t', promise] : []),
    ];
    const env = { ...process.env, PERFECT21_TEST_WITHOUT: without };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', () => {
      try {
        resolve(JSON.parse(readFileSync(report, 'utf8')));
      } catch (thrown) {
        reject(thrown);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });

describe('without what keeps attackers out, the test of it fails', () => {
  for (const [name, { file, test: path, promise }] of Object.entries(MITIGATIONS)) {
    test(name, { timeout: 120_000 }, async () => {
      expect(removed(name, readFileSync(join(ROOT, file), 'utf8'))).toBeTruthy();
      const report = await run(path, promise, name);
      expect(report.numFailedTests).toBeGreaterThan(0);
    });
  }
});
