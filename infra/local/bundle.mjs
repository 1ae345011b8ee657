/** Runs at the end of `npm ci`: makes the bundles, on the Node that came with it. What fails here is no reason to fail there. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const own = path('../../node_modules/.bin/node');
const node = existsSync(own) ? own : process.execPath;
spawnSync(node, [path('./bundle.ts')], { stdio: 'ignore', timeout: 120_000 });
