import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { holds } from '../../shared/permissions.ts';

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
