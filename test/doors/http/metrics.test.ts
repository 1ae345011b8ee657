import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../shared/metrics/definitions.ts';
import { startMetrics } from '../../../shared/process/metrics-server.ts';
import { createMetrics, exposition, promMetrics } from '../../../shared/system/metrics.ts';

const CONTRACT: Record<string, string[]> = {
  perfect21_requests_total: ['service', 'method', 'endpoint', 'status'],
  perfect21_request_duration_seconds: ['service', 'method', 'endpoint'],
  perfect21_active_connections: ['service'],
  perfect21_auth_events_total: ['event_type', 'result'],
  perfect21_token_operations_total: ['operation', 'result'],
  perfect21_permission_checks_total: ['resource', 'action', 'result'],
  perfect21_session_operations_total: ['operation', 'result'],
};

describe('metrics', () => {
  it('have the names and labels of the contract', () => {
    for (const [name, labels] of Object.entries(CONTRACT)) expect(METRICS[name]?.labels).toEqual(labels);
  });

  it('count, observe and set', async () => {
    const metrics = createMetrics();
    metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'success' });
    metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'success' }, 2);
    metrics.observe('perfect21_request_duration_seconds', { service: 'a', method: 'GET', endpoint: '/x' }, 0.02);
    metrics.gauge('perfect21_active_connections', { service: 'a' }, 7);
    const { body } = await exposition(metrics);
    expect(body).toContain('perfect21_auth_events_total{event_type="login",result="success"} 3');
    expect(body).toContain('_bucket{le="0.025",service="a",method="GET",endpoint="/x"} 1');
    expect(body).toContain('_bucket{le="0.01",service="a",method="GET",endpoint="/x"} 0');
    expect(body).toContain('perfect21_active_connections{service="a"} 7');
  });

  it('take a metric that nobody defined by its first use', async () => {
    const metrics = createMetrics();
    metrics.gauge('perfect21_outbox_depth', { queue: 'q' }, 3);
    expect((await exposition(metrics)).body).toContain('perfect21_outbox_depth{queue="q"} 3');
  });

  it('are one series whatever the order of their labels, frozen or not', async () => {
    const metrics = createMetrics();
    const name = 'perfect21_auth_events_total';
    metrics.count(name, { result: 'success', event_type: 'login' });
    metrics.count(name, { event_type: 'login', result: 'success' });
    const frozen = Object.freeze({ event_type: 'login', result: 'success' });
    metrics.count(name, frozen);
    metrics.count(name, frozen);
    const { body } = await exposition(metrics);
    expect(body.match(/^perfect21_auth_events_total.*$/gm)).toEqual([
      'perfect21_auth_events_total{event_type="login",result="success"} 4',
    ]);
  });

  it('stay small when a label gets out of hand', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 3_000; i++) {
      metrics.count('perfect21_permission_checks_total', { resource: `r${i}`, action: 'read', result: 'deny' });
    }
    const { body } = await exposition(metrics);
    expect(body.match(/^perfect21_permission_checks_total/gm)).toHaveLength(1_001);
    expect(body).toContain('{resource="other",action="other",result="other"} 2000');
  });

  it('are told as OpenMetrics to who asks for that, with traces of slow ones, and as before to everybody else', async () => {
    const metrics = createMetrics();
    const labels = { operation: 'auth.login', result: 'ok' };
    metrics.observe('perfect21_operation_seconds', labels, 0.2, '4bf92f3577b34da6a3ce929d0e0e4736');
    metrics.observe('perfect21_operation_seconds', labels, 0.002);
    metrics.count('perfect21_auth_events_total', { event_type: 'lo"gin\n', result: 'success' });
    const { contentType, body } = await exposition(
      metrics,
      'application/openmetrics-text; version=1.0.0,text/plain;q=0.5',
    );
    expect(contentType).toContain('application/openmetrics-text');
    expect(body.endsWith('# EOF\n')).toBe(true);
    expect(body).toContain('# TYPE perfect21_auth_events counter\n');
    expect(body).toContain('perfect21_auth_events_total{event_type="lo\\"gin\\n",result="success"} 1\n');
    const bucket = 'perfect21_operation_seconds_bucket{le="0.25",operation="auth.login",result="ok"} 2 # ';
    expect(body).toContain(`${bucket}{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.2 `);
    expect(body).toContain('perfect21_operation_seconds_bucket{le="0.0025",operation="auth.login",result="ok"} 1\n');
    const plain = (await exposition(metrics)).body;
    expect(plain).toContain('# TYPE perfect21_auth_events_total counter');
    expect(plain).not.toContain('trace_id');
  });

  it('are served at /metrics with those of the process', async () => {
    const { port: metrics, close } = await promMetrics.open({}, {} as never);
    const subject = { name: 'perfect21', version: '1', links: [], engines: [] };
    const ports = { clock: { now: Date.now }, metrics };
    const server = await startMetrics(ports, { host: '127.0.0.1', port: 0, subject });
    try {
      const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const body = await answer.text();
      expect(body).toContain('process_cpu_seconds_total');
      expect(body).toContain('# TYPE perfect21_requests_total counter');
      expect((await fetch(`http://127.0.0.1:${server.port}/other`)).status).toBe(404);
      await expect(startMetrics(ports, { host: '127.0.0.1', port: server.port, subject })).rejects.toThrow(
        `port ${server.port} is taken: set PERFECT21_METRICS_PORT to another`,
      );
    } finally {
      await server.stop();
      await close?.();
    }
  });
});
