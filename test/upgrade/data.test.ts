/** This release starts on what the release before left behind, killed in the middle of its work, on each store. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { hotp, stepOf } from '../../functions/auth/totp.ts';
import { previousRelease } from '../../infra/checks/shape.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { mailsFrom } from '../e2e/matrix.ts';
import { type LocalDynamo, startDynamo } from '../engines/dynamodb.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { testPlatform } from '../support/platform.ts';
import { PASSWORD } from './client.ts';
import { type Left, seedOf } from './left.ts';
import { putDynamo } from './snapshot-dynamodb.ts';
import { putPostgres } from './snapshot-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'perfect21-upgrade-'));
const data = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'data', name));
const text = (name: string): string => gunzipSync(data(name)).toString();
const left: Record<string, Left> = JSON.parse(data('left.json').toString());

let postgres: Postgres | undefined;
let dynamo: LocalDynamo | undefined;
afterEach(() => void vi.unstubAllEnvs());
afterAll(async () => {
  await postgres?.close();
  await dynamo?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Each store with those data, as STORE_URL. */
const stores: Record<string, () => Promise<string>> = {
  sqlite: async () => {
    const file = join(folder, 'before.db');
    writeFileSync(file, gunzipSync(data('sqlite.db.gz')));
    return `sqlite:${file}`;
  },
  postgres: async () => {
    postgres = await startPostgres();
    const url = await postgres.createDatabase();
    await putPostgres(url, text('postgres.json.gz'));
    return url;
  },
  dynamodb: async () => {
    dynamo = await startDynamo();
    await putDynamo(dynamo.endpoint, text('dynamodb.json.gz'));
    stubEnvironment(awsEnvironment({ DYNAMODB: dynamo.endpoint }));
    return 'dynamodb://perfect21-before';
  },
};

describe.each(Object.keys(stores))(`data that ${previousRelease().version} left in %s`, (engine) => {
  test('users, factors, sessions and credentials are good, and the mail that was in hand goes out', async () => {
    const { at, refresh_token, secret, service_token, admin } = left[engine]!;
    // a minute after that release ended, whenever this runs
    const offset = at + 60_000 - Date.now();
    const now = () => Date.now() + offset;
    const platform = await testPlatform({ STORE_URL: await stores[engine]!() }, [
      adapter({ port: 'clock', open: () => ({ port: { now } }) }),
    ]);
    const call = async (path: string, body?: object, token?: string) => {
      const response = await fetch(`${platform.http.url}/api/v1${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json().catch(() => undefined)) as any };
    };

    const renewed = await call('/auth/refresh', { refresh_token });
    expect(renewed.status).toBe(200);
    expect((await call('/users/me', undefined, renewed.body.access_token)).body.email).toBe('ada@example.org');
    const asked = await call('/auth/login', { identifier: 'ada@example.org', password: PASSWORD });
    expect(asked.body).toMatchObject({ mfa_required: true });
    const mfa_code = hotp(seedOf(secret), stepOf(now()));
    const login = await call('/auth/login', { identifier: 'ada@example.org', password: PASSWORD, mfa_code });
    expect(login.status).toBe(200);
    expect((await call('/sessions', undefined, login.body.access_token)).body.sessions).toHaveLength(2);

    expect((await call('/users', undefined, service_token)).status).toBe(200);
    const administrator = await call('/auth/login', { identifier: admin.email, password: admin.password });
    expect(administrator.status).toBe(200);
    const listed = await call('/users', undefined, administrator.body.access_token);
    expect(listed.body.users.map(({ email }: { email: string }) => email)).toEqual(
      expect.arrayContaining(['ada@example.org', 'bob@example.org']),
    );

    const mails = () => mailsFrom(platform.mailbox!.httpPort, 'bob@example.org');
    await expect.poll(async () => (await mails()).length, { timeout: 10_000 }).toBe(1);
    const [mail] = await mails();
    const token = /token=([\w-]+)/.exec(mail!.text)![1];
    expect((await call('/auth/verify-email', { token })).status).toBe(200);
    expect((await call('/auth/login', { identifier: 'bob@example.org', password: PASSWORD })).status).toBe(200);
    await platform.close();
  }, 30_000);
});
