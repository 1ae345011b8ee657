import { start } from './test/bench/processes.ts'; import { startLoad } from './test/bench/load/index.ts';
import { AuthServiceService } from './proto/gen/auth_service.ts';
import { seed, withFolder } from './test/bench/platform.ts'; import { testEnvironment } from './test/support/platform.ts';
import { readFileSync } from 'node:fs';
const { path, requestSerialize } = AuthServiceService.validateToken;
const load = startLoad(1);
await withFolder(async (folder) => { const { tokens } = await seed(folder, 1, 50);
for (const flags of ['', '--max-semi-space-size=64', '', '--max-semi-space-size=64', '--max-semi-space-size=32','', '--max-semi-space-size=64','--max-semi-space-size=32']) {
  const s = start('infra/local/start.ts', { core: 0, env: { ...testEnvironment(folder), ...(flags ? { NODE_OPTIONS: flags } : {}) } });
  const port = Number(/gRPC\s+\S*:(\d+)/.exec(await s.prints(/Ctrl-C/))![1]);
  const grpc = tokens.map(token => requestSerialize({ token, client_ip: '1', user_agent: 'b', device_info: {} }).toString('base64'));
  const line: string[] = [];
  for (const l of [{ in_flight: 64, seconds: 2 }, ...Array(3).fill({ per_second: 5000, seconds: 2 })]) { const [o] = await load.put({ port, connections: 4, wire: { grpc, path }, load: l as any }); line.push(`${Math.round(o!.per_second)}/s p99 ${o!.p99.toFixed(1)} max ${o!.max.toFixed(0)}`); }
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${s.child.pid}/status`, 'utf8'))![1];
  console.log((flags||'none').padEnd(28), line.join(' | '), 'rss', Math.round(+rss!/1024), 'MB', readFileSync('/proc/loadavg','utf8').slice(0,4)); await s.stop();
}});
await load.program.stop();
