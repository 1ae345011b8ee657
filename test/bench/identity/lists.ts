/** Lists, import and export of a million accounts, on a platform as `npm start` runs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../engines/postgres.ts';
import { perSecond, type Row, timeRow } from '../bench.ts';
import { type Platform, startPlatform, withFolder } from '../platform.ts';
import { processorMs } from '../processor.ts';
import { fillPostgres, fillSqlite, MILLION } from './million.ts';
import { type Passed, pass, personOf } from './rows.ts';

const PAGES = 100;
const PAGE_MS = 100;
const IMPORTED = 20_000;
const IMPORT_LEAST = 2_000;
const EXPORT_LEAST = 20_000;
const HUNDRED_THOUSAND_MS = 5_000;
const FIRST_ROW_MS = 1_000;
/** What a million rows may add to what a thousand took, both ways. */
const GROWTH_MB = 100;

/**
 * Rows that a server on one core passes in a second of that core, beside those of the clock: a core is never a server's alone on
 * a machine that does other things too.
 */
const passing = async (
  what: string,
  least: number,
  { program }: Platform,
  work: () => Promise<Passed>,
): Promise<{ row: Row; passed: Passed }> => {
  const before = processorMs(program.child.pid!);
  const passed = await work();
  const rate = (passed.rows / (processorMs(program.child.pid!) - before)) * 1_000;
  const byClock = `${perSecond((passed.rows / passed.whole) * 1_000)} by the clock`;
  const row = { what, measured: `${perSecond(rate)} of a core`, baseline: byClock, bound: `≥ ${perSecond(least)}` };
  return { row: { ...row, ok: rate >= least }, passed };
};

const residentMb = ({ program }: Platform): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))?.[1]) / 1024;

/** Measures one engine. @param fill writes the million; the platform does not run meanwhile */
const measure = async (
  engine: string,
  folder: string,
  env: Record<string, string>,
  fill: () => Promise<void> | void,
): Promise<Row[]> => {
  const start = () => startPlatform(folder, { core: 0, env });
  await (await start()).stop();
  process.stderr.write(`writing a million accounts into ${engine} …\n`);
  await fill();
  const platform = await start();
  const { service_token: token } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
  const headers = { authorization: `Bearer ${token}` };
  const list = async (asked: Record<string, string>) => {
    const started = performance.now();
    const response = await fetch(`http://127.0.0.1:${platform.http}/api/v1/users?${new URLSearchParams(asked)}`, {
      headers,
    });
    const page = (await response.json()) as { users: unknown[]; next_cursor?: string };
    if (!response.ok || page.users.length === 0) throw new Error(`a page without users: ${response.status}`);
    return { ...page, ms: performance.now() - started };
  };
  /** The 95th percentile of the same page, asked for again and again. */
  const p95 = async (asked: Record<string, string>): Promise<number> => {
    const times: number[] = [];
    for (let n = 0; n < PAGES; n++) times.push((await list(asked)).ms);
    return times.sort((one, two) => one - two)[Math.floor(PAGES * 0.95)]!;
  };
  /** The cursor of a page far behind. */
  const behind = async (pages: number, asked: Record<string, string>): Promise<string> => {
    let cursor = '';
    // as far in fewer steps: what a cursor costs does not depend on the limit before it
    for (let n = 0; n < pages / 4; n++)
      cursor = (await list({ ...asked, limit: '200', ...(cursor && { cursor }) })).next_cursor!;
    return cursor;
  };
  const rows: Row[] = [];
  const page = async (what: string, asked: Record<string, string>) =>
    rows.push(timeRow(`${what} of 1 M users, ${engine}, p95`, await p95(asked), PAGE_MS));
  await page('first page', {});
  await page('10,000th page', { cursor: await behind(10_000, {}) });
  await page('first page of "a"', { q: 'a' });
  await page('2,000th page of "a"', { q: 'a', cursor: await behind(2_000, { q: 'a' }) });
  await page('first page of @mail.example', { q: '@mail.example', status: 'active' });

  const exportAll = () => pass(platform.http, { method: 'GET', path: '/api/v1/users/export', token });
  const importSome = (from: number, count: number) => {
    const people = function* () {
      for (let n = from; n < from + count; n++) yield { ...personOf(n), email: `x${personOf(n).email}` };
    };
    return pass(platform.http, { method: 'POST', path: '/api/v1/users/import', token }, people());
  };
  await importSome(0, 1_000);
  const before = residentMb(platform);
  const brought = await passing(`import beside 1 M users, ${engine}`, IMPORT_LEAST, platform, () =>
    importSome(1_000, IMPORTED),
  );
  const exported = await passing(`export of 1 M users, ${engine}`, EXPORT_LEAST, platform, exportAll);
  const taken = exported.passed;
  if (taken.rows < MILLION) throw new Error(`the export has ${taken.rows} rows`);
  const rate = taken.rows / taken.whole;
  rows.push(
    brought.row,
    exported.row,
    timeRow(`first row out, ${engine}`, taken.first, FIRST_ROW_MS),
    timeRow(`100,000 users out, ${engine}`, 100_000 / rate, HUNDRED_THOUSAND_MS),
  );
  const grown = residentMb(platform) - before;
  rows.push({
    what: `resident memory grown by both, ${engine}`,
    ...{ measured: `${Math.round(grown)} MB`, baseline: `${Math.round(before)} MB`, bound: `< ${GROWTH_MB} MB` },
    ok: grown < GROWTH_MB,
  });
  await platform.stop();
  return rows;
};

export const lists = async (): Promise<Row[]> => {
  const onSqlite = await withFolder((folder) =>
    measure('SQLite', folder, {}, () => fillSqlite(join(folder, 'perfect21.db'))),
  );
  const postgres = await startPostgres({ durable: true });
  try {
    const url = await postgres.createDatabase();
    const onPostgres = await withFolder((folder) =>
      measure('PostgreSQL', folder, { STORE_URL: url }, () => fillPostgres(url)),
    );
    return [...onSqlite, ...onPostgres];
  } finally {
    await postgres.close();
  }
};
