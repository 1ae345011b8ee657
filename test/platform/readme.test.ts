import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Started, startProcess } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const CLIENTS = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8');

const blocks = (language: string, page = README): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, body]) => body!);

/** Commands of a transcript with what they print; `…` stands for what differs each time. */
const transcript = (block: string): { command: string; output: string }[] =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command, ...output] = part.split('\n');
      return { command: command!, output: output.join('\n').trim() };
    });

const matches = (expected: string): RegExp =>
  new RegExp(
    `^${expected
      .split('…')
      .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*?')}$`,
    's',
  );

describe('README.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-readme-'));
  let started: Started;
  const here = (text: string): string =>
    text
      .replaceAll('localhost:8080', new URL(started.address('REST')).host)
      .replaceAll('localhost:8025', new URL(started.address('mailbox')).host)
      .replaceAll('localhost:50051', started.address('gRPC'));

  beforeAll(async () => {
    started = startProcess(join(folder, 'data'));
    await started.ready;
  });
  afterAll(async () => {
    await started.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test('its transcript is what happens', async () => {
    const steps = blocks('console').flatMap(transcript);
    expect(steps.length).toBeGreaterThan(10);
    const shell = spawn('bash', ['-u'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
    let printed = '';
    shell.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    const run = async (command: string): Promise<string> => {
      printed = '';
      shell.stdin.write(`${here(command)}\nprintf '\\n<done>\\n'\n`);
      while (!printed.includes('\n<done>\n')) await new Promise((resolve) => shell.stdout.once('data', resolve));
      return printed.slice(0, printed.indexOf('\n<done>\n')).trim();
    };
    for (const { command, output } of steps) expect(await run(command), command).toMatch(matches(output));
    shell.stdin.end();
  });

  test('the gRPC example of docs/clients.md is answered', async () => {
    const [script] = blocks('js', CLIENTS);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', here(script!), '--', 'x', 'no token'],
      { cwd: ROOT },
    );
    expect(stdout).toContain("error_message: 'malformed'");
  });

  test('commands and files that it and the guides name exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const page of ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]) {
      const text = readFileSync(join(ROOT, page), 'utf8');
      for (const [, name] of text.matchAll(/npm run (\w+(?::\w+)*)/g))
        expect(Object.keys(scripts), page).toContain(name);
      for (const [, path] of text.matchAll(/\]\(([^)#:]+)[^):]*\)/g)) {
        expect(exists(join(ROOT, dirname(page), path!)), `${page} names ${path}`).toBe(true);
      }
    }
  });
});

const exists = (path: string): boolean => {
  try {
    readFileSync(path);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EISDIR';
  }
};
