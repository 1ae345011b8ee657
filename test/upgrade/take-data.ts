/**
 * `node_modules/.bin/node test/upgrade/take-data.ts`, once for each release, when previous.json names its version and commit:
 * runs it on each store, has it do what leaves something of every kind behind, kills it, and keeps its data in `data/`
 * and its shape in previous.json.
 */
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { hotp, stepOf } from '../../functions/auth/totp.ts';
import { previousRelease } from '../../infra/checks/shape.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import { startDynamo } from '../engines/dynamodb.ts';
import { startPostgres } from '../engines/postgres.ts';
import { startSmtp } from '../engines/smtp.ts';
import { startProcess } from '../support/process.ts';
import { mailed, PASSWORD, sideOf } from './client.ts';
import { type Left, seedOf } from './left.ts';
import { unpackPrevious } from './release.ts';
import { takeDynamo } from './snapshot-dynamodb.ts';
import { takePostgres } from './snapshot-postgres.ts';

const release = unpackPrevious();
if ('missing' in release) throw new Error(release.missing);
const { start, remove } = release;
const folder = mkdtempSync(join(tmpdir(), 'perfect21-take-'));
const kept = (name: string) => join(import.meta.dirname, 'data', name);

const must = async <T extends { status: number; body: any }>(answer: Promise<T>): Promise<any> => {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
};

/** Ada is active, with a session and an authenticator app; Bob's mail is in hand of a process that dies. */
const live = async (name: string, env: Record<string, string>): Promise<Left> => {
  const smtp = await startSmtp();
  const dataDir = join(folder, name);
  const started = startProcess(dataDir, { ...env, MAIL_URL: smtp.url, MAIL_FROM: 'p21@example.org' }, start);
  await started.ready;
  const side = sideOf(started, smtp);
  await must(side.call('/auth/register', { email: 'ada@example.org', password: PASSWORD }));
  await must(side.call('/auth/verify-email', { token: await mailed('ada@example.org', smtp) }));
  const session = await must(side.call('/auth/login', { identifier: 'ada@example.org', password: PASSWORD }));
  const { secret } = await must(side.call('/auth/mfa/totp', {}, session.access_token));
  const code = hotp(seedOf(secret), stepOf(Date.now()));
  await must(side.call('/auth/mfa/totp/confirm', { code }, session.access_token));
  smtp.stall('data');
  const stalled = smtp.until(() => smtp.held > 0);
  await must(side.call('/auth/register', { email: 'bob@example.org', password: PASSWORD }));
  await stalled;
  const { service_token, admin } = JSON.parse(readFileSync(join(dataDir, 'dev-credentials.json'), 'utf8'));
  const gone = once(started.child, 'exit');
  started.child.kill('SIGKILL');
  await gone;
  await smtp.close();
  return { at: Date.now(), refresh_token: session.refresh_token, secret, service_token, admin };
};

const left: Record<string, Left> = {};
left.sqlite = await live('sqlite', {});
const file = join(folder, 'sqlite', 'perfect21.db');
const db = new DatabaseSync(file);
db.exec(`VACUUM INTO '${join(folder, 'whole.db')}'`);
db.close();
copyFileSync(join(folder, 'whole.db'), file);
writeFileSync(kept('sqlite.db.gz'), gzipSync(readFileSync(file), { level: 9 }));

const postgres = await startPostgres();
const url = await postgres.createDatabase();
left.postgres = await live('postgres', { STORE_URL: url });
writeFileSync(kept('postgres.json.gz'), gzipSync(await takePostgres(url), { level: 9 }));
await postgres.close();

const dynamo = await startDynamo();
left.dynamodb = await live('dynamodb', {
  STORE_URL: 'dynamodb://perfect21-before',
  AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});
writeFileSync(kept('dynamodb.json.gz'), gzipSync(await takeDynamo(dynamo.endpoint), { level: 9 }));
await dynamo.close();

const { schema } = await import(join(start, '../../../functions/index.ts'));
const shapes = (schema as StoreSchema).collections.map(({ name, version, indexes }) => [
  name,
  { version, indexes: Object.keys(indexes).sort() },
]);
const { version, commit } = previousRelease();
const previous = {
  version,
  commit,
  schema: schema.version,
  collections: Object.fromEntries(shapes.sort(([one], [other]) => (one! < other! ? -1 : 1))),
};
writeFileSync(join(import.meta.dirname, 'previous.json'), `${JSON.stringify(previous, null, 2)}\n`);
writeFileSync(kept('left.json'), `${JSON.stringify(left, null, 2)}\n`);
rmSync(folder, { recursive: true, force: true });
remove();
process.exit();
