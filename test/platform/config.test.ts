import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { holds } from '../../shared/kit/permissions.ts';

describe('without any setting', () => {
  test('the platform listens where the contract says', () => {
    const { http, grpc, env, public_url, services } = loadConfig({});
    expect([http.port, grpc.port, public_url]).toEqual([8080, 50051, 'http://localhost:8080']);
    expect([env.PERFECT21_METRICS_PORT, env.PERFECT21_MAILBOX_PORT, env.PERFECT21_SMTP_PORT]).toEqual([
      8000, 8025, 1025,
    ]);
    expect(services).toHaveLength(5);
  });

  test('a service alone has a port of its own', () => {
    const portOf = (name: string) => loadConfig({ PERFECT21_SERVICES: name }).http.port;
    const names = ['auth', 'users', 'permissions', 'sessions', 'notifications'];
    expect(names.map(portOf)).toEqual([8080, 8081, 8082, 8083, 8084]);
  });
});

test('services that run apart name one issuer without being told: auth at its own port', () => {
  const issuerOf = (PERFECT21_SERVICES: string) => loadConfig({ PERFECT21_SERVICES }).public_url;
  const names = ['auth', 'users', 'permissions', 'sessions', 'notifications', 'sessions,notifications'];
  expect(new Set(names.map(issuerOf))).toEqual(new Set(['http://localhost:8080']));
  expect(loadConfig({ PERFECT21_HTTP_PORT: '9080' }).public_url).toBe('http://localhost:9080');
});

test('an address that Kubernetes puts into the variable of a port is not meant', () => {
  const link = 'tcp://10.0.0.7:50051';
  const { grpc, http, env } = loadConfig({
    PERFECT21_GRPC_PORT: link,
    PERFECT21_HTTP_PORT: link,
    PERFECT21_METRICS_PORT: link,
  });
  expect([grpc.port, http.port, env.PERFECT21_METRICS_PORT]).toEqual([50051, 8080, 8000]);
});

test('what is wrong with a variable is said in plain words', () => {
  const wrong: [Record<string, string>, string][] = [
    [{ PERFECT21_HTTP_PORT: 'x' }, 'PERFECT21_HTTP_PORT is not usable: it is not a number'],
    [{ PERFECT21_HTTP_PORT: '1.5' }, 'PERFECT21_HTTP_PORT is not usable: it is not a whole number'],
    [{ PERFECT21_HTTP_PORT: '70000' }, 'PERFECT21_HTTP_PORT is not usable: it may be 65535 at most'],
    [{ PERFECT21_REFRESH_IDLE_TTL: '0' }, 'PERFECT21_REFRESH_IDLE_TTL is not usable: it has to be more than 0'],
    [{ PERFECT21_LOGIN_ATTEMPTS: '1' }, 'PERFECT21_LOGIN_ATTEMPTS is not usable: it has to be at least 3'],
    [{ PERFECT21_RATE_LIMITS: 'no' }, 'PERFECT21_RATE_LIMITS is not usable: use a factor such as 0.5 or 10, or off'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is not usable: use debug, info, warn, error, silent'],
    [{ PERFECT21_ACCESS_TOKEN_TTL: '901' }, 'PERFECT21_ACCESS_TOKEN_TTL is not usable: at most 900 seconds'],
  ];
  for (const [env, line] of wrong) expect(() => loadConfig(env)).toThrow(expect.objectContaining({ message: line }));
});

test('bounds can be scaled, and switched off for tests only', () => {
  const factorOf = (env: NodeJS.ProcessEnv) => loadConfig(env).env.PERFECT21_RATE_LIMITS;
  expect([{}, { PERFECT21_RATE_LIMITS: '2.5' }, { PERFECT21_RATE_LIMITS: 'off' }].map(factorOf)).toEqual([
    1,
    2.5,
    Number.POSITIVE_INFINITY,
  ]);
  const production = { NODE_ENV: 'production', PERFECT21_SECRET: Buffer.alloc(32, 'k9').toString('base64') };
  expect(factorOf({ ...production, PERFECT21_RATE_LIMITS: '3' })).toBe(3);
  expect(() => loadConfig({ ...production, PERFECT21_RATE_LIMITS: 'off' })).toThrow(/^PERFECT21_RATE_LIMITS=off/);
});

describe('nothing of a platform goes out in the name of nobody', () => {
  const at = { PERFECT21_PUBLIC_URL: 'https://auth.example.org' };
  const plain = { PERFECT21_PUBLIC_URL: 'http://auth.example.org' };
  test.each<[string, Record<string, string>, RegExp]>([
    ['mails by a server elsewhere', { MAIL_URL: 'smtp://mail.example.org' }, /^MAIL_FROM is missing/],
    ['mails by SES', { MAIL_URL: 'ses:' }, /^MAIL_FROM is missing/],
    [
      'mails of a public platform by a server beside it',
      { ...at, MAIL_URL: 'smtp://localhost' },
      /^MAIL_FROM is missing/,
    ],
    ['push messages', { ...plain, PUSH_URL: 'vapid:' }, /^PUSH_URL=vapid: names nobody/],
  ])('%s', (_, env, line) => expect(() => loadConfig(env)).toThrow(line));

  test('what stays on this machine may', () => {
    expect(loadConfig({ MAIL_URL: 'smtp://localhost:2525' }).mail.from).toContain('@perfect21.local');
    expect(loadConfig({}).mail.from).toContain('@perfect21.local');
    const subjectOf = (env: Record<string, string>) => loadConfig({ ...env, PUSH_URL: 'vapid:' }).push.providers[0];
    expect(subjectOf({})).toMatchObject({ subject: 'mailto:no-reply@perfect21.local' });
    expect(subjectOf(at)).toMatchObject({ subject: 'https://auth.example.org' });
    expect(subjectOf({ ...at, MAIL_FROM: 'a@b.example' })).toMatchObject({ subject: 'mailto:a@b.example' });
  });
});

describe('an address that can not be read is refused in one line, without what it holds', () => {
  const refused: Record<string, string[]> = {
    STORE_URL: [
      'postgres://user:hushhush@one,two/db',
      'postgres://user:hushhush@one:5432,two:5432/db',
      'postgres://user:hushhush@/db?host=one,two',
      'postgres://user:hushhush@/db?host=',
      'postgres://user:hushhush@host:port/db',
      'postgres://user:hush%zzhush@host/db',
      'postgres://user:hush/hush@host/db',
      'postgres://user:hushhush@host/db?sslrootcert=/nowhere.pem',
      'postgres://user:hushhush@host/db?max=0',
      'postgres://user:hushhush@host/db?statement_timeout=10s',
      'postgres://user:hushhush@host/db?connect_timeout=0.5',
      'postgres://user:hushhush@host/db?pooler=session',
    ],
    BUS_URL: [
      'amqp://user:hushhush@[::1/',
      'amqp://user:hushhush@host:x',
      'amqp://user:hush%zzhush@host',
      'amqp://user:hushhush@a,b',
    ],
    MAIL_URL: ['smtp://user:hushhush@host:99999', 'smtp://user:hush%zzhush@host'],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['http://user:hushhush@:4318', 'http://user:hush%zzhush@host'],
    DISCOVERY_URL: ['consul://user:hushhush@host:8500'],
    PERFECT21_PUBLIC_URL: ['https://user:hushhush@:1'],
  };
  for (const [variable, urls] of Object.entries(refused))
    for (const url of urls)
      test(`${variable}=${url}`, () => {
        const secret = { PERFECT21_SECRET: Buffer.alloc(32, 'k9').toString('base64') };
        const load = () => loadConfig({ ...secret, [variable]: url });
        expect(load).toThrow(StartError);
        expect(load).toThrow(new RegExp(`^(?!.*hush)[^\\n]*${variable}[^\\n]*$`));
      });
});

test('a sender is an address, with or without a name', () => {
  for (const from of ['a@b.example', 'Ada <a@b.example>', '"Ada, of B" <a@b.example>'])
    expect(loadConfig({ MAIL_FROM: from }).mail.from).toBe(from);
  for (const from of ['nonsense', 'Ada <nonsense>', 'a@b.example, c@d.example', 'a@b@c'])
    expect(() => loadConfig({ MAIL_FROM: from })).toThrow(/^MAIL_FROM is no address/);
});

test('an empty variable counts as none, and 0 asks for any free port', () => {
  expect(loadConfig({ PERFECT21_HTTP_PORT: '' }).http.port).toBe(8080);
  expect(loadConfig({ PERFECT21_HTTP_PORT: '0' }).http.port).toBe(0);
});

describe('a permission', () => {
  const grants: [string, string, boolean][] = [
    ['*:*:*', 'users:read', true],
    ['users:*:*', 'users:read', true],
    ['users:read', 'users:read', true],
    ['users:read', 'users:read:own', true],
    ['users:read:*', 'users:read:own', true],
    ['users:read:own', 'users:read', false],
    ['sessions:*:own', 'sessions:admin', false],
    ['users:read', 'users:write', false],
    ['user:read', 'users:read', false],
  ];
  for (const [held, wanted, covered] of grants) {
    test(`${held} ${covered ? 'covers' : 'does not cover'} ${wanted}`, () => {
      expect(holds([held], wanted)).toBe(covered);
    });
  }
});

describe('pages that may ask for passkeys', () => {
  const of = (env: Record<string, string>) => loadConfig(env).passkeys;
  const shop = { PERFECT21_PUBLIC_URL: 'https://auth.shop.example/base' };

  test('are those of the public URL, for its host', () => {
    expect(of(shop)).toEqual({ rp_id: 'auth.shop.example', origins: ['https://auth.shop.example'] });
  });

  test('are, for a wider domain, those of other origins within it, and of none beside it', () => {
    const PERFECT21_ORIGINS = 'https://www.shop.example, https://shop.example:8443, https://othershop.example';
    expect(of({ ...shop, PERFECT21_PASSKEY_RP_ID: 'shop.example', PERFECT21_ORIGINS })).toEqual({
      rp_id: 'shop.example',
      origins: ['https://auth.shop.example', 'https://www.shop.example', 'https://shop.example:8443'],
    });
  });

  test('are never none: a domain that nothing is of stops the start', () => {
    expect(() => of({ ...shop, PERFECT21_PASSKEY_RP_ID: 'other.example' })).toThrow(/PERFECT21_PASSKEY_RP_ID/);
  });
});
