/**
 * `npm run bench [name…]`: what the platform does, beside what this machine does without it, in the same run.
 *
 * Ends non-zero when a bound is missed or a measurement could not be made.
 *
 * @example npm run bench -- validate store
 */
import { availableParallelism, cpus } from 'node:os';
import type { Bench, Row } from './bench.ts';
import { canPin, stopAll } from './processes.ts';
import { table } from './table.ts';

const BENCHES: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  ready: () => import('./ready.ts'),
  container: () => import('./container.ts'),
  validate: () => import('./validate.ts'),
  logins: () => import('./logins.ts'),
  busy: () => import('./busy.ts'),
  store: () => import('./store.ts'),
  events: () => import('./events.ts'),
  identity: () => import('./identity.ts'),
  enumeration: () => import('./enumeration.ts'),
  grpc: () => import('./grpc.ts'),
  sidecar: () => import('./sidecar.ts'),
  realtime: () => import('./realtime.ts'),
  attacks: () => import('./attacks.ts'),
  tracing: () => import('./tracing.ts'),
  metrics: () => import('./metrics.ts'),
  bundles: () => import('./bundles.ts'),
  'cold-start': () => import('./cold-start.ts'),
};

const wanted = process.argv.slice(2);
const names = wanted.length ? wanted : Object.keys(BENCHES);
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) {
  process.stderr.write(`there is no measurement "${unknown}": choose from ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopAll().finally(() => process.exit(130)));
}

const pinned = canPin() ? 'each server on one core, the load on another' : 'not pinned: no taskset, or one core only';
process.stdout.write(`Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model}, ${pinned}\n\n`);

const failed = (name: string, thrown: unknown): Row => {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  process.stderr.write(`${name} could not be measured: ${said}\n`);
  return { what: name, measured: 'not measured', baseline: '', bound: '', ok: false };
};

const started = performance.now();
const rows: Row[] = [];
for (const name of names) {
  process.stderr.write(`measuring ${name} …\n`);
  try {
    const { bench } = await BENCHES[name]!();
    rows.push(...(await bench.run()));
  } catch (thrown) {
    rows.push(failed(name, thrown));
  } finally {
    await stopAll();
  }
}

const missed = rows.filter(({ ok }) => !ok).length;
const seconds = Math.round((performance.now() - started) / 1_000);
process.stdout.write(`\n${table(rows)}\n\n${rows.length - missed} ok, ${missed} missed, ${seconds} s\n`);
process.exit(missed ? 1 : 0);
