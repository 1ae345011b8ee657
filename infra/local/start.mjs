/** What `npm start` runs: start.ts, from its bundle where that is fresh. */
import { run } from './boot.mjs';

await run('infra/local/start.ts');
