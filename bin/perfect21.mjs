#!/usr/bin/env node
// The operator's command. It runs on the Node 24 that comes with `npm ci`, whichever Node started it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const PROGRAM = 'infra/operator/main.ts';

if (Number(process.versions.node.split('.')[0]) >= 24) {
  const { run } = await import('../infra/local/boot.mjs');
  await run(PROGRAM);
} else {
  const node = path('../node_modules/.bin/node');
  if (!existsSync(node)) {
    process.stderr.write('perfect21 needs the Node 24 that comes with its packages: run "npm ci" first\n');
    process.exit(1);
  }
  const child = spawn(node, [path('./perfect21.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
  // a terminal sends its signals to both; the child decides when it ends
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGKILL' ? 137 : 1);
  });
}
