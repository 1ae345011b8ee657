/** The catalogue of log lines, and what lines of one call have in common. */
import { expect, test } from 'vitest';
import { logOffences } from '../../infra/checks/logs.ts';
import { CallLog } from '../../shared/kit/call-log.ts';
import { idsOfBody } from '../../shared/messaging/line-ids.ts';
import { LOGS } from '../../shared/ports/log-codes.ts';

test('every line that is written has an entry, and every entry a line', () => {
  expect(logOffences()).toEqual([]);
});

test('a code without an entry is named, and an entry without a line', () => {
  const file = "log.warn('store.unheard_of', { a }); log[level]('other.one'); ports.log?.info(\n 'bus.connected');";
  const said = logOffences({ 'shared/a.ts': file });
  expect(said).toContain('shared/a.ts logs store.unheard_of, which has no entry in shared/ports/log-codes.ts');
  expect(said).toContain('shared/a.ts logs other.one, which has no entry in shared/ports/log-codes.ts');
  expect(said).toContain('shared/ports/log-codes.ts has bus.away, which nothing logs');
  expect(said.join()).not.toContain('bus.connected');
});

test('what to do is said of each in a sentence', () => {
  for (const { means, todo } of Object.values(LOGS)) for (const text of [means, todo]) expect(text).toMatch(/[.`]$/);
});

test('a line that an operation writes tells of which request and trace it is, and its own fields come first', () => {
  const lines: object[] = [];
  const take = (code: string, fields?: object) => void lines.push({ code, ...fields });
  const log = new CallLog(
    { debug: take, info: take, warn: take, error: take },
    { request_id: 'r1', trace: { trace_id: 't1', span_id: 's1', sampled: true } },
  );
  log.warn('followup.failed', { what: 'a' });
  log.error('operation.failed', { request_id: 'r2' });
  expect(lines).toEqual([
    { code: 'followup.failed', request_id: 'r1', trace_id: 't1', what: 'a' },
    { code: 'operation.failed', request_id: 'r2', trace_id: 't1' },
  ]);
});

test('a line about an event tells its id, the request and the trace that it came from, and of what is no event nothing', () => {
  const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const envelope = {
    message_id: 'm1',
    message_type: 'user.login',
    timestamp: '2026-01-01T00:00:00Z',
    source_service: 'auth-service',
    correlation_id: 'r1',
    data: {},
    metadata: { traceparent: `00-${trace_id}-00f067aa0ba902b7-01` },
  };
  const body = { envelope, routing_key: 'user.events.login', priority: 1 };
  expect(idsOfBody(body)).toEqual({ message_id: 'm1', request_id: 'r1', trace_id });
  expect(idsOfBody({ secret: 'x' })).toEqual({});
});
