import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hear, socketUrl, ticketOf } from '../doors/websocket/listener.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { mailsFrom } from '../e2e/matrix.ts';
import { newEmail, PASSWORD, userWithSession, type World } from '../e2e/world.ts';
import { type CollectedSpan, type Collector, startCollector } from '../engines/otlp.ts';
import { sharedRabbitmq } from '../engines/shared-rabbitmq.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const TAB = '4bf92f3577b34da6a3ce929d0e0e4737';
const ASKED = '4bf92f3577b34da6a3ce929d0e0e4739';
const TOLD = '4bf92f3577b34da6a3ce929d0e0e4738';
const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;

const buses = { embedded: 'perfect21', rabbitmq: 'rabbitmq' } as const;

/** From the top to the bottom, each below the one before; others may stand beside them. */
const PATH_TO_SOCKET = [
  'POST /api/v1/notifications',
  'notifications.send-notification',
  'transact',
  'send perfect21.events',
  'process notification-service.notification_requests',
  'notifications.on-realtime-send',
  'transact',
  'send perfect21.events',
  'process broadcast',
  'notifications.on-realtime-frame',
  'send frame',
];

describe.each(Object.entries(buses))('one trace on the bus %s', (bus, system) => {
  let collector: Collector;
  let platform: TestPlatform;
  let world: World;
  let secrets: string[];
  let exposed: string;

  beforeAll(async () => {
    collector = await startCollector();
    platform = await testPlatform({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      ...(bus === 'rabbitmq' && { BUS_URL: await sharedRabbitmq() }),
    });
    world = {
      ...http1Door(platform.http.url),
      mails: async (to) => {
        await platform.drain();
        return mailsFrom(platform.mailbox!.httpPort, to);
      },
      advance: platform.advance,
      admin: platform.credentials.admin,
      service_token: platform.credentials.service_token,
    };

    const email = newEmail();
    const answer = await fetch(`${platform.http.url}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` },
      body: JSON.stringify({ email, password: PASSWORD, first_name: 'Canarina' }),
    });
    expect(answer.status).toBe(202);
    const [mail] = await world.mails(email);
    const user = await userWithSession(world, { first_name: 'Canarina' });
    await fetch(`${platform.http.url}/api/v1/users/me`, { headers: { authorization: `Bearer ${user.access_token}` } });
    await fetch(`${platform.http.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: email, password: 'a wrong passphrase 31415' }),
    });
    await platform.drain();
    await tellTab(user);
    const asked = { authorization: `Bearer ${user.access_token}`, traceparent: `00-${ASKED}-${CALLER}-01` };
    await fetch(`${platform.http.url}/verify`, { headers: asked });
    secrets = [
      email,
      user.email,
      PASSWORD,
      'a wrong passphrase 31415',
      'Canarina',
      user.access_token,
      user.refresh_token,
      user.user_id,
      user.session_id,
      platform.credentials.admin.email,
      platform.credentials.admin.password,
      platform.credentials.service_token,
      /token=([\w.-]+)/.exec(mail!.text)![1]!,
    ];
    exposed = await (await fetch(`http://127.0.0.1:${platform.metrics.port}/metrics`)).text();
    await platform.drain();
    // what is not sent yet is flushed by the stop
    await platform.close();
  }, 120_000);
  afterAll(async () => {
    await collector?.close();
  });

  /** A service tells an open tab of a user something, in a trace of its own. */
  const tellTab = async ({ user_id, access_token }: { user_id: string; access_token: string }): Promise<void> => {
    const tab = hear(socketUrl(platform.http.url, { ticket: await ticketOf(world, access_token) }), {
      headers: { traceparent: `00-${TAB}-${CALLER}-01` },
    });
    await tab.frame('hello');
    const answer = await fetch(`${platform.http.url}/api/v1/notifications`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${world.service_token}`,
        traceparent: `00-${TOLD}-${CALLER}-01`,
      },
      body: JSON.stringify({
        user_id,
        channels: ['realtime'],
        category: 'account',
        template_name: 'notice',
        template_data: { title: 'Canarina', text: 'Canarina' },
      }),
    });
    expect(answer.status).toBe(202);
    await tab.frame('notification');
    tab.socket.close();
    await tab.closed;
  };

  test('runs on from a service over HTTP, store, outbox, bus and consumer to each process and the socket there', () => {
    const told = collector.spans.filter(({ traceId }) => traceId === TOLD);
    const below = (parents: readonly string[], [name, ...rest]: readonly string[]): CollectedSpan[] => {
      const found = told.filter((span) => span.name === name && parents.includes(span.parentSpanId));
      return rest.length === 0
        ? found
        : below(
            found.map(({ spanId }) => spanId),
            rest,
          );
    };
    const at = PATH_TO_SOCKET.findIndex((_, n) => below([CALLER], PATH_TO_SOCKET.slice(0, n + 1)).length === 0);
    expect(PATH_TO_SOCKET[at]).toBeUndefined();
    const [frame] = below([CALLER], PATH_TO_SOCKET);
    expect(frame).toMatchObject({ kind: PRODUCER, status: 0, attributes: { 'perfect21.frame_type': 'notification' } });
    const ids = new Set([CALLER, ...told.map(({ spanId }) => spanId)]);
    expect(told.filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([]);
  });

  test('runs through forward-auth, too', () => {
    const asked = collector.spans.filter(({ traceId }) => traceId === ASKED);
    const door = asked.find(({ name }) => name === 'HTTP /verify')!;
    expect(door).toMatchObject({ kind: SERVER, status: 0, parentSpanId: CALLER });
    expect(door.attributes).toMatchObject({ 'http.route': '/verify', 'http.response.status_code': 200 });
    expect(asked.find(({ parentSpanId }) => parentSpanId === door.spanId)?.name).toBe('sidecar.check-request');
  });

  test('of a socket lasts until somebody is let in, not for as long as he stays', () => {
    const opened = collector.spans.filter(({ traceId }) => traceId === TAB);
    const door = opened.find(({ name }) => name === 'GET /ws')!;
    expect(door).toMatchObject({ kind: SERVER, status: 0, parentSpanId: CALLER });
    expect(opened.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['notifications.redeem-ticket', 'notifications.watch']),
    );
  });

  const own = (): readonly CollectedSpan[] => collector.spans.filter(({ traceId }) => traceId === TRACE);
  const one = (name: string, below?: CollectedSpan): CollectedSpan => {
    const found = own().filter((span) => span.name === name && (!below || span.parentSpanId === below.spanId));
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0]!;
  };

  test('runs from the caller over HTTP, store, outbox and bus to the consumer and its mail', () => {
    const http = one('POST /api/v1/auth/register');
    expect(http).toMatchObject({ parentSpanId: CALLER, kind: SERVER, status: 0, service: 'perfect21' });
    expect(http.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/v1/auth/register',
      'http.response.status_code': 202,
    });
    const operation = one('auth.register', http);
    expect(operation.kind).toBe(INTERNAL);
    const sent = one('send perfect21.events');
    expect(sent).toMatchObject({ kind: PRODUCER, status: 0 });
    expect(sent.attributes).toMatchObject({ 'messaging.system': system, 'messaging.operation.type': 'send' });
    const commit = own().find(({ spanId }) => spanId === sent.parentSpanId)!;
    expect(commit).toMatchObject({ name: 'transact', kind: CLIENT });
    expect(commit.attributes).toMatchObject({ 'db.system.name': 'sqlite', 'db.operation.name': 'transact' });
    // the commit is that of the operation or of one that it called
    const byId = new Map(own().map((span) => [span.spanId, span]));
    const above: string[] = [];
    for (let span = byId.get(commit.parentSpanId); span; span = byId.get(span.parentSpanId)) above.push(span.name);
    expect(above.slice(-2)).toEqual([operation.name, http.name]);

    const processed = one('process notification-service.user_events', sent);
    expect(processed.kind).toBe(CONSUMER);
    expect(processed.attributes).toMatchObject({
      'messaging.system': system,
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'notification-service.user_events',
      'messaging.message.id': sent.attributes['messaging.message.id'],
    });
    const handler = one('notifications.on-user-registered', processed);
    expect(one('send email')).toMatchObject({ kind: CLIENT, status: 0 });
    const mail = one('send email');
    for (let span = byId.get(mail.parentSpanId); span && span !== handler; span = byId.get(span.parentSpanId)) {
      expect(span.traceId).toBe(TRACE);
    }
  });

  test('has no gap: every span of it is below another one, and the first below the caller', () => {
    const ids = new Set([CALLER, ...own().map(({ spanId }) => spanId)]);
    expect(own().filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([]);
  });

  test('is not mixed with others: what came without a trace begins one of its own', () => {
    const me = collector.spans.filter(({ name }) => name === 'GET /api/v1/users/me');
    expect(me).toMatchObject([{ parentSpanId: '', status: 0 }]);
    expect(me[0]!.traceId).not.toBe(TRACE);
  });

  test('says that a caller failed without calling it a failure of ours', () => {
    const refused = collector.spans.find(
      ({ name, attributes }) => name === 'auth.login' && attributes['error.type'] !== undefined,
    );
    expect(refused).toMatchObject({ status: 0, attributes: { 'error.type': 'invalid_credentials' } });
  });

  test('names the operation, how many fields it was given and whether it worked', () => {
    const of = (name: string, success: boolean) =>
      collector.spans.find((span) => span.name === name && span.attributes['function.success'] === success)?.attributes;
    const register = { 'function.module': 'auth', 'function.name': 'register', 'function.kwargs_count': 3 };
    expect(of('auth.register', true)).toMatchObject(register);
    expect(of('auth.register', true)).not.toHaveProperty('function.error');
    expect(of('auth.login', false)).toMatchObject({
      'function.name': 'login',
      'function.error': 'invalid_credentials',
    });
  });

  test('is measured beside: publishing, handling and the age of events', () => {
    const value = (series: string): number => {
      const line = exposed.split('\n').find((each) => each.startsWith(`${series} `));
      return Number(line?.slice(series.length));
    };
    const queue = 'queue="notification-service.user_events"';
    expect(value(`perfect21_event_publish_seconds_count{bus="${bus}"}`)).toBeGreaterThan(0);
    expect(value(`perfect21_event_handling_seconds_count{${queue},result="done"}`)).toBeGreaterThanOrEqual(2);
    expect(value(`perfect21_event_age_seconds_count{${queue}}`)).toBeGreaterThanOrEqual(2);
    expect(value(`perfect21_event_age_seconds_bucket{le="10",${queue}}`)).toBeGreaterThanOrEqual(2);
    expect(value(`perfect21_queue_messages_total{${queue},result="done"}`)).toBeGreaterThanOrEqual(2);
    expect(value('perfect21_outbox_messages_total{result="published"}')).toBeGreaterThanOrEqual(2);
    const confirms = value('perfect21_bus_confirm_seconds_count{bus="rabbitmq"}');
    if (bus === 'rabbitmq') expect(confirms).toBeGreaterThanOrEqual(2);
    else expect(confirms).toBeNaN();
  });

  test('holds no secret, token, address, name or id of a person in any span', () => {
    expect(collector.spans.length).toBeGreaterThan(30);
    const told = collector.requests.map(({ bytes }) => bytes.toString()).join('\n');
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(5);
      expect(told.includes(secret), `a span says ${secret.slice(0, 12)}…`).toBe(false);
    }
    expect(told).not.toMatch(/@|eyJ|p21[rs]_|\$argon2/);
  });
});
