import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { serviceNames, platform as services } from '../../functions/index.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { entryOf } from '../../shared/messaging/eventbridge/entry.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import type { OutboxBody } from '../../shared/ports/envelope.ts';
import { newEmail, PASSWORD } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const NAMES = Object.values(serviceNames);

describe('a service has one name', () => {
  let platform: TestPlatform;
  let events: OutboxBody[];
  beforeAll(async () => {
    platform = await testPlatform();
    const transact = vi.spyOn(platform.host.ports.store, 'transact');
    const [url, headers] = [`${platform.http.url}/api/v1/auth`, { 'content-type': 'application/json' }];
    const post = (path: string, body: object) =>
      fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await post('register', { email: newEmail(), password: PASSWORD })).status).toBe(202);
    const { email: identifier, password } = platform.credentials.admin;
    expect((await post('login', { identifier, password })).status).toBe(200);
    await platform.drain();
    const rows = transact.mock.calls.flatMap(([, effects]) => effects?.enqueue ?? []);
    events = rows.filter(({ queue }) => queue === OUTBOX).map(({ body }) => body as OutboxBody);
  }, 60_000);
  afterAll(() => platform?.close());

  test('the document’s, once for each service', () => {
    expect(NAMES).toEqual([
      'auth-service',
      'user-service',
      'permission-service',
      'session-service',
      'notification-service',
    ]);
    expect(Object.keys(serviceNames)).toEqual(services.map(({ name }) => name));
  });

  test('by which its events say where they come from, also on EventBridge', () => {
    const sources = Object.fromEntries(events.map(({ envelope: { message_type: t, source_service: s } }) => [t, s]));
    expect(sources).toMatchObject({ 'user.registered': 'user-service', 'user.login': 'session-service' });
    for (const body of events) {
      const row = { queue: OUTBOX, id: 'x', priority: 0, available_at: 0, attempts: 1, claim: '', body };
      expect(entryOf(row, 'bus')).toMatchObject({ Source: `perfect21.${body.envelope.source_service}` });
    }
  });

  test('by which its metrics call it', async () => {
    const text = await (await fetch(`http://127.0.0.1:${platform.metrics.port}/metrics`)).text();
    const labels = [...text.matchAll(/^perfect21_requests_total\{service="([^"]+)"/gm)].map(([, service]) => service);
    expect(labels).toContain('auth-service');
    for (const label of labels) expect([...NAMES, 'perfect21']).toContain(label);
  });

  test('and that owns its queues', () => {
    for (const { name } of topologyOf(services).queues) expect(NAMES).toContain(name.split('.')[0]);
  });
});
