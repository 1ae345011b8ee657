import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startProcess } from '../support/process.ts';

const root = mkdtempSync(join(tmpdir(), 'perfect21-start-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
let number = 0;
beforeEach(() => {
  folder = join(root, String(number++));
});

const start = (env: Record<string, string> = {}) => startProcess(folder, env);

const refusal = async (env: Record<string, string>): Promise<string> => {
  const { child, out } = start(env);
  const [code] = await once(child, 'exit');
  expect(code).toBe(1);
  return out.errors;
};

describe('a start that cannot go on says in one line what to do', () => {
  const cases: Record<string, [Record<string, string>, RegExp]> = {
    'a secret that is too short': [{ PERFECT21_SECRET: 'short' }, /PERFECT21_SECRET is too weak: set at least 32/],
    'a secret that is an example': [{ PERFECT21_SECRET: 'changeme-changeme-changeme-changeme' }, /too weak/],
    'no secret for a shared engine': [
      { PERFECT21_SECRET: '', STORE_URL: 'postgres://127.0.0.1:1/x' },
      /PERFECT21_SECRET is missing/,
    ],
    'no secret in production': [{ PERFECT21_SECRET: '', NODE_ENV: 'production' }, /PERFECT21_SECRET is missing/],
    'an unknown store': [{ STORE_URL: 'mongodb://x' }, /STORE_URL names no known engine: use sqlite/],
    'an unknown bus': [{ BUS_URL: 'kafka://x' }, /BUS_URL names no known engine/],
    'an unknown mail transport': [{ MAIL_URL: 'pop3://x' }, /MAIL_URL names no known transport: use smtp:/],
    'an unknown service': [{ PERFECT21_SERVICES: 'auth,billing' }, /no service "billing": choose from auth/],
    'a port that is no port': [{ PERFECT21_HTTP_PORT: '99999' }, /PERFECT21_HTTP_PORT is not usable/],
    'a store that does not answer': [{ STORE_URL: 'postgres://127.0.0.1:1/x' }, /can't start: .*STORE_URL|reach/],
    'services apart without a token': [
      { PERFECT21_SERVICES: 'auth', NODE_ENV: 'production' },
      /PERFECT21_SERVICE_TOKEN is missing/,
    ],
    'half a certificate': [{ PERFECT21_TLS_CERT: '/x.pem' }, /belong together/],
    'a certificate that is not there': [
      { PERFECT21_TLS_CERT: '/x.pem', PERFECT21_TLS_KEY: '/y.pem' },
      /PERFECT21_TLS_CERT: \/x.pem can't be read/,
    ],
  };
  for (const [name, [env, line]] of Object.entries(cases)) {
    test(name, async () => {
      const errors = await refusal(env);
      expect(errors).toMatch(line);
      expect(errors.trim()).not.toContain('\n');
    });
  }

  for (const variable of ['HTTP', 'GRPC', 'METRICS', 'MAILBOX', 'SMTP']) {
    test(`a taken ${variable} port`, async () => {
      const blocker = createServer().listen(0, '127.0.0.1');
      await once(blocker, 'listening');
      const { port } = blocker.address() as { port: number };
      const errors = await refusal({ [`PERFECT21_${variable}_PORT`]: String(port) });
      expect(errors).toMatch(new RegExp(`port ${port} is taken: set PERFECT21_${variable}_PORT`));
      expect(errors.trim()).not.toContain('\n');
      blocker.close();
    });
  }

  test('a data folder that is a file', async () => {
    writeFileSync(folder, '');
    expect(await refusal({})).toMatch(/data folder .* can't be written: .*PERFECT21_DATA_DIR/);
  });

  test('a key file that others can read', async () => {
    mkdirSync(folder);
    const file = join(folder, 'signing-keys.json');
    writeFileSync(file, '{}');
    chmodSync(file, 0o644);
    expect(await refusal({})).toMatch(/can be read by others: run "chmod 600/);
  });

  test('data that a newer version wrote', async () => {
    const first = start();
    await first.ready;
    await first.end();
    const db = new DatabaseSync(join(folder, 'perfect21.db'));
    db.exec("UPDATE meta SET value = '99' WHERE key = 'version'");
    db.close();
    expect(await refusal({})).toMatch(/newer/);
  });
});

test('a stopped platform started again still knows its users, sessions and mails', async () => {
  const call = async (base: string, path: string, body: object, token?: string) =>
    (
      await fetch(`${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      })
    ).json() as Promise<any>;
  const first = start();
  await first.ready;
  const credentials = { identifier: 'ada@example.org', password: 'violet tractors hum quietly' };
  const base = first.address('REST');
  await call(base, '/auth/register', { email: credentials.identifier, password: credentials.password });
  // the signal comes while the event of the registration may still be on its way
  expect(await first.end('SIGINT')).toBe(0);

  const second = start();
  await second.ready;
  const again = second.address('REST');
  let mails: any[] = [];
  while (mails.length === 0) mails = (await (await fetch(`${second.address('mailbox')}/api/messages`)).json()) as any[];
  const token = /token=([\w-]+)/.exec(mails[0].text)![1];
  await call(again, '/auth/verify-email', { token });
  const tokens = await call(again, '/auth/login', credentials);
  await second.end('SIGKILL');

  const third = start();
  await third.ready;
  const base3 = third.address('REST');
  expect(await call(base3, '/auth/validate', { token: tokens.access_token })).toMatchObject({ valid: true });
  expect(await call(base3, '/auth/refresh', { refresh_token: tokens.refresh_token })).toMatchObject({
    session_id: tokens.session_id,
  });
  await third.end();
}, 60_000);
