import type { Socket } from 'node:dgram';
import { afterAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { lambdaQueue } from '../../shared/doors/lambda/queue.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { AnyEnvelope } from '../../shared/messaging/envelope.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { lambdaContext, queueEvent } from '../doors/lambda/support.ts';
import { envelope } from '../messaging/rabbitmq/rig.ts';

// X-Ray's daemon and what Lambda sets, read when the door is loaded
const daemon = await vi.hoisted(async () => {
  const { createSocket } = await import('node:dgram');
  const socket: Socket = createSocket('udp4');
  const sent: any[] = [];
  socket.on('message', (datagram) => sent.push(JSON.parse(datagram.toString().split('\n')[1]!)));
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  Object.assign(process.env, {
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${socket.address().port}`,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    LAMBDA_TASK_ROOT: '/nowhere',
    _HANDLER: 'index.handler',
    _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    POWERTOOLS_TRACE_ENABLED: 'true',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  return { sent, close: () => socket.close() };
});
afterAll(() => daemon.close());

test('each record of a batch is a subsegment of X-Ray, found by its event and by the trace of its cause', async () => {
  const failing = envelope();
  const handle = operation({
    name: 'tests.handle',
    summary: 'Handles',
    subscription: { queue: 'tests.things', bindings: ['#'], types: [failing.message_type] },
    access: 'service',
    input: AnyEnvelope,
    output: z.object({}),
    run: async (_, { message_id }) => {
      if (message_id === failing.message_id) throw new AppError('unavailable');
      return {};
    },
  });
  const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const done = envelope({ metadata: { traceparent: `00-${trace_id}-00f067aa0ba902b7-01` } });
  const run = lambdaQueue([handle], () => [systemClock, randomIds]);
  await run(queueEvent([failing, done].map((each) => JSON.stringify(each))), lambdaContext());
  const processed = () => daemon.sent.filter(({ name }) => name === 'process tests.things');
  await vi.waitUntil(() => processed().length === 2);
  const told = new Map(processed().map(({ annotations, fault }) => [annotations.message_id, { annotations, fault }]));
  expect(told.get(failing.message_id)).toMatchObject({ fault: true });
  const { message_id, message_type } = done;
  expect(told.get(message_id)).toEqual({ annotations: { message_id, message_type, trace_id }, fault: undefined });
  // each operation is a subsegment of its record's
  const operationOf = ({ message_id: id }: { message_id: string }) => {
    const record = processed().find(({ annotations }) => annotations.message_id === id)!;
    return daemon.sent.find(({ name, parent_id }) => name === 'tests.handle' && parent_id === record.id);
  };
  expect(operationOf(failing)).toMatchObject({ fault: true, annotations: { error_type: 'unavailable' } });
  const said = { 'function.module': 'tests', 'function.name': 'handle', 'function.success': true };
  expect(operationOf(done)).toMatchObject({ metadata: { perfect21: said } });
  expect(operationOf(done).fault).toBeUndefined();
});
