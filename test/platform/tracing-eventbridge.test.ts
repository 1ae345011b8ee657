import { expect, onTestFinished, test, vi } from 'vitest';
import { readEnvelope } from '../../shared/doors/lambda/record.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { startCollector } from '../engines/otlp.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { testPlatform } from '../support/platform.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a process that relays to EventBridge hands its trace to the functions behind it', async () => {
  const delivered: string[] = [];
  const bridge = await startEventBridge({
    bus: 'perfect21-events',
    rules: [{ pattern: compileBindings(['#']), target: 'all' }],
    deliver: async (_, body) => void delivered.push(body),
  });
  onTestFinished(() => bridge.close());
  const collector = await startCollector();
  onTestFinished(() => collector.close());
  onTestFinished(() => void vi.unstubAllEnvs());
  stubEnvironment(awsEnvironment({ EVENTBRIDGE: bridge.endpoint }));

  const platform = await testPlatform({
    BUS_URL: 'eventbridge://perfect21-events',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });
  onTestFinished(() => platform.close());
  const answer = await fetch(`${platform.http.url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
    body: JSON.stringify({ email: 'ada@example.net', password: 'a long and unusual phrase 7' }),
  });
  expect(answer.status).toBe(202);
  await platform.drain();
  await platform.close();

  const sent = collector.spans.filter(({ kind, traceId }) => kind === 4 && traceId === TRACE);
  expect(sent).toMatchObject([
    { name: 'send perfect21.events', attributes: { 'messaging.system': 'aws.eventbridge' } },
  ]);
  // what a function makes of the record that SQS brings it
  const { metadata } = readEnvelope(delivered.find((body) => body.includes('user.registered'))!);
  const trace = continueTrace(metadata?.traceparent);
  expect(trace).toMatchObject({ trace_id: TRACE, parent_id: sent[0]!.spanId, sampled: true });
});
