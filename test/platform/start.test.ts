import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../infra/generate/files.ts';
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

test('a start that opens a port without TLS says what is open, and /metrics stays at home', async () => {
  const started = start({ PERFECT21_HTTP_HOST: '0.0.0.0', LOG_LEVEL: 'warn' });
  await started.ready;
  expect(new URL(started.address('metrics')).hostname).toBe('127.0.0.1');
  await started.end();
  const said = started.out.text + started.out.errors;
  expect(said).toMatch(
    /start\.open.*HTTP \(port \d+\) and gRPC \(\d+\) take passwords and tokens in plain text from everybody/,
  );
  expect(said).not.toContain('is open to everybody who reaches 127');
});

test('a start without its broker says so in one line before it is ready, and that events wait', async () => {
  const started = start({ BUS_URL: 'amqp://127.0.0.1:1', LOG_LEVEL: 'warn' });
  await started.ready;
  const ready_at = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await started.end();
  const lines = started.out.errors.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: 'warn',
      time: expect.any(String),
      code: 'bus.away',
      detail: 'RabbitMQ is away: connect ECONNREFUSED 127.0.0.1:1; events wait in the outbox until it is there',
    },
  ]);
  // the log is written beside the work: when it was said is what it says itself
  expect(Date.parse(JSON.parse(lines[0]!).time)).toBeLessThanOrEqual(ready_at);
});

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
    'no service': [{ PERFECT21_SERVICES: ',' }, /PERFECT21_SERVICES names no service: choose from auth/],
    'a port that is a word': [{ PERFECT21_GRPC_PORT: 'grpc' }, /PERFECT21_GRPC_PORT is not usable: it is not a number/],
    'a public URL of another scheme': [
      { PERFECT21_PUBLIC_URL: 'ftp://x' },
      /PERFECT21_PUBLIC_URL is not usable: use http:/,
    ],
    'a sender that is no address': [{ MAIL_FROM: 'nonsense' }, /MAIL_FROM is no address/],
    'keys in no file': [{ KEYS_URL: 'file:' }, /KEYS_URL names no known source: use file:<path>/],
    'an authority of RabbitMQ that is not there': [
      { BUS_URL: 'amqps://127.0.0.1:1', RABBITMQ_CA: '/nope' },
      /RABBITMQ_CA: \/nope can't be read \(ENOENT\)/,
    ],
    'a service token that is none': [
      { PERFECT21_SERVICES: 'auth', PERFECT21_SERVICE_TOKEN: 'x' },
      /PERFECT21_SERVICE_TOKEN is no service token: use p21s_/,
    ],
    'services apart without a token': [
      { PERFECT21_SERVICES: 'auth', NODE_ENV: 'production', PERFECT21_RATE_LIMITS: '1' },
      /PERFECT21_SERVICE_TOKEN is missing/,
    ],
    'half a certificate': [{ PERFECT21_TLS_CERT: '/x.pem' }, /belong together/],
    'a certificate that is not there': [
      { PERFECT21_TLS_CERT: '/x.pem', PERFECT21_TLS_KEY: '/y.pem' },
      /PERFECT21_TLS_CERT: \/x.pem can't be read/,
    ],
    'a certificate that is none': [
      { PERFECT21_TLS_CERT: '/dev/null', PERFECT21_TLS_KEY: '/dev/null' },
      /PERFECT21_TLS_CERT and PERFECT21_TLS_KEY are not a PEM certificate and its key/,
    ],
    'an authority that is none': [{ PERFECT21_TLS_CA: '/dev/null' }, /PERFECT21_TLS_CA holds no PEM certificate/],
    'clients without their authority': [
      { PERFECT21_TLS_CLIENTS: '/dev/null' },
      /PERFECT21_TLS_CLIENTS needs PERFECT21_TLS_CERT, PERFECT21_TLS_KEY, and PERFECT21_TLS_CA/,
    ],
  };
  for (const [name, [env, line]] of Object.entries(cases)) {
    test(name, async () => {
      const errors = await refusal(env);
      expect(errors).toMatch(line);
      expect(errors.trim()).not.toContain('\n');
    });
  }

  const inAws: Record<string, string> = {
    KEYS_URL: 'kms:alias/keys',
    BUS_URL: 'eventbridge://events',
    MAIL_URL: 'ses:',
    SMS_URL: 'sns:',
    PUSH_URL: 'sns:',
    DISCOVERY_URL: 'cloudmap://shop',
  };
  for (const [variable, url] of Object.entries(inAws)) {
    test(`${variable}=${url} without a region`, async () => {
      const errors = await refusal({ [variable]: url, MAIL_FROM: 'shop@example.org', AWS_CONFIG_FILE: '/dev/null' });
      expect(errors).toMatch(new RegExp(`can't start: AWS_REGION is missing: set the region for ${variable}\\n$`));
    });
  }

  for (const folder of ['PERFECT21_DATA_DIR', 'KEYS_URL', 'STORE_URL']) {
    test(`a place under /proc in ${folder}, where no folder can be made`, async () => {
      const urls = { PERFECT21_DATA_DIR: '/proc/x', KEYS_URL: 'file:/proc/x/y', STORE_URL: 'sqlite:/proc/x/y' };
      const errors = await refusal({ [folder]: urls[folder as keyof typeof urls] });
      expect(errors).toMatch(/\/proc\/x.* can't be (written|created)/);
      expect(errors.trim()).not.toContain('\n');
    });
  }

  for (const content of ['', '{}', '{"admin":{"email":"a@b.example","password":"x"},"service_token":"y"}']) {
    test(`credentials that are ${content || 'an empty file'}`, async () => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'dev-credentials.json'), content, { mode: 0o600 });
      const errors = await refusal({});
      expect(errors).toMatch(/dev-credentials\.json holds no credentials .*: restore it, or remove it for new ones/);
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

  test('data that a newer version wrote, and that serves newer ones only', async () => {
    const first = start();
    await first.ready;
    await first.end();
    const db = new DatabaseSync(join(folder, 'perfect21.db'));
    db.exec("UPDATE meta SET value = '99' WHERE key IN ('version', 'serves_from')");
    db.close();
    expect(await refusal({})).toMatch(/newer/);
  });
});

test('services that start apart say what they will miss of the others', async () => {
  const started = start({ PERFECT21_SERVICES: 'auth', PERFECT21_PUBLIC_URL: '', LOG_LEVEL: 'warn' });
  await started.ready;
  await started.end();
  expect(started.out.errors + started.out.text).toMatch(/DISCOVERY_URL does not say where users, .* can be found/);
  expect(started.out.errors + started.out.text).toMatch(/PERFECT21_PUBLIC_URL is missing: with auth on port/);
});

test('an argument is no setting: --help says so, another one ends with 2', () => {
  for (const [program, name] of Object.entries({
    start: 'npm start',
    bridge: 'npm run bridge',
    offline: 'npm run offline',
  })) {
    const run = (argument: string) =>
      spawnSync(process.execPath, [`infra/local/${program}.ts`, argument], { cwd: ROOT, encoding: 'utf8' });
    const help = run('--help');
    expect([help.status, help.stdout.split(':')[0], help.stderr]).toEqual([0, name, '']);
    const unknown = run('--port=80');
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringMatching(`^${name} takes no arguments.*\\n$`)]);
  }
});

test('what is printed is what is listened on, and the bare address leads to the API browser', async () => {
  const started = start({ PERFECT21_HTTP_HOST: '::1', PERFECT21_METRICS_HOST: '::1' });
  await started.ready;
  for (const name of ['REST', 'gRPC', 'metrics']) expect(started.address(name)).toContain('[::1]:');
  const bare = await fetch(new URL('/', started.address('REST')), { redirect: 'manual' });
  expect([bare.status, bare.headers.get('location')]).toEqual([302, 'docs']);
  const ready = await fetch(new URL('/readyz', started.address('REST')));
  const ok = { status: 'ok' };
  expect(await ready.json()).toEqual({ ...ok, checks: { store: ok, keys: ok, bus: ok } });
  await started.end();
});

const logIn = async (base: string, { email, password }: { email: string; password: string }): Promise<number> => {
  const body = JSON.stringify({ identifier: email, password });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${base}/auth/login`, { method: 'POST', headers, body })).status;
};

test('a key and an administrator that a first start has not made yet are there for the first call', async () => {
  const started = start();
  await started.ready;
  const { admin } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
  const base = started.address('REST');
  expect(await Promise.all([logIn(base, admin), logIn(base, admin)])).toEqual([200, 200]);
  for (const made of ['signing-keys.json', 'dev-credentials.proven']) expect(existsSync(join(folder, made))).toBe(true);
  await started.end();
});

test('a start that is stopped before it has made its administrator makes him the next time', async () => {
  const first = start();
  await first.ready;
  expect(await first.end('SIGKILL')).not.toBe(0);
  const { admin } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
  // as if it had been earlier, and an older store had had the same folder
  rmSync(join(folder, 'perfect21.db'));
  for (const beside of ['-wal', '-shm']) rmSync(join(folder, `perfect21.db${beside}`), { force: true });
  writeFileSync(join(folder, 'dev-credentials.proven'), 'of another store', { mode: 0o600 });
  const again = start();
  await again.ready;
  await again.end('SIGKILL');
  expect(existsSync(join(folder, 'dev-credentials.proven'))).toBe(false);
  const second = start();
  await second.ready;
  expect(await logIn(second.address('REST'), admin)).toBe(200);
  await second.end();
});

test('the administrator has a password as long as passwords must be', async () => {
  const started = start({ PERFECT21_PASSWORD_MIN_LENGTH: '64' });
  await started.ready;
  const { admin } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
  expect(await logIn(started.address('REST'), admin)).toBe(200);
  await started.end();
});

test('what no other try mends ends a start, also after it was ready', async () => {
  const credentials = {
    admin: { email: 'admin@perfect21.local', password: 'short' },
    service_token: `p21s_a_${'b'.repeat(43)}`,
  };
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'dev-credentials.json'), JSON.stringify(credentials), { mode: 0o600 });
  const started = start();
  const [code] = await once(started.child, 'exit');
  expect(code).toBe(1);
  expect(started.out.errors).toMatch(/^perfect21 can't start: there is no administrator for development \(.+\)\n$/m);
});

test('credentials that were deleted come again without a password that opens nothing', async () => {
  const file = join(folder, 'dev-credentials.json');
  const read = () => JSON.parse(readFileSync(file, 'utf8'));
  const first = start();
  await first.ready;
  expect(await logIn(first.address('REST'), read().admin)).toBe(200);
  await first.end();
  rmSync(file);

  const second = start({ LOG_LEVEL: 'warn' });
  await second.ready;
  expect(await logIn(second.address('REST'), read().admin)).toBe(401);
  await second.end();
  expect(read()).toEqual({
    admin: { email: 'admin@perfect21.local', password: '' },
    service_token: expect.stringMatching(/^p21s_/),
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const line = second.out.errors.split('\n').find((each) => each.includes('seed.other_password'));
  expect(line).toMatch(/does not hold the password of admin@perfect21\.local.*password\/forgot/);

  const before = read();
  const third = start({ LOG_LEVEL: 'warn' });
  await third.ready;
  expect(await logIn(third.address('REST'), { ...read().admin, password: 'not it at all' })).toBe(401);
  await third.end();
  expect(third.out.errors).toContain('seed.other_password');
  expect(read()).toEqual(before);
}, 60_000);

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
