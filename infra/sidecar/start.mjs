/** What `npm run sidecar` runs: sidecar.ts, from its bundle where that is fresh. */
import { run } from '../local/boot.mjs';

await run('infra/sidecar/sidecar.ts');
