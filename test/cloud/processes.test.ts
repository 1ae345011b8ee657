import { readFileSync } from 'node:fs';
import { startFauxqs } from 'fauxqs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { listenOnEventBridge } from '../../shared/messaging/eventbridge/broadcast.ts';
import { eventBridgeBus } from '../../shared/messaging/eventbridge/bus.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { ruleControl } from '../engines/eventbridge-rules.ts';
import { until } from '../operator/support.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { allows, startIam } from './iam.ts';
import { REGION, readTemplate } from './template.ts';

const BUS = 'perfect21-events';
const GENERATED = new URL('../../infra/generated/processes.yml', import.meta.url);

/** The policy of the stack as a role of a process that is named by its access key. */
const roleOf = (key: string) => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: osls fills it in
  const text = readFileSync(GENERATED, 'utf8').replaceAll('${self:custom.environment.BUS_NAME}', BUS);
  const { ProcessPolicy } = parse(text).on.resources.Resources;
  const resources = {
    EventBus: { Type: 'AWS::Events::EventBus', Properties: { Name: BUS } },
    HttpApi: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Body: { paths: {} } } },
  };
  const { resolve } = readTemplate((id) => id, resources as never);
  return {
    key,
    name: key,
    arn: key,
    memory: 0,
    environment: {},
    statements: resolve(ProcessPolicy.Properties.PolicyDocument.Statement),
  };
};

test('a process publishes, hears what every process hears, and leaves nothing behind, with the rights of its policy alone', async () => {
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', defaultRegion: REGION, logger: false });
  const { rules, control, standing } = ruleControl();
  const sent: string[] = [];
  const bridge = await startEventBridge({ bus: BUS, rules, control, deliver: async (name) => void sent.push(name) });
  const role = roleOf('process');
  const iam = await startIam([role], { events: bridge.endpoint, sqs: `http://127.0.0.1:${server.port}` });
  onTestFinished(async () => {
    await Promise.all([iam.close(), bridge.close(), server.stop()]);
    vi.unstubAllEnvs();
  });
  stubEnvironment({
    ...awsEnvironment({ SQS: iam.endpoint, EVENTBRIDGE: iam.endpoint }),
    AWS_ACCESS_KEY_ID: 'process',
  });
  const log = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() };
  const connected = vi.fn();
  const listener = { bindings: ['user.events.*'], deliver() {}, connected, missed() {} };
  let uuids = 0;
  const ids = { uuid: () => `00000000-0000-7000-8000-${String(++uuids).padStart(12, '0')}`, random: () => 'r' };
  // what a killed process left
  const left = 'perfect21-hears-left';
  server.createQueue(left, { region: REGION, attributes: {} });
  control('PutRule', { Name: left, EventPattern: '{"source":["x"]}', Description: 'until 2020-01-01T00:00:00.000Z' });
  const hearing = listenOnEventBridge(BUS, { clock: { now: () => Date.now() }, ids, log } as never, listener as never, {
    wait_s: 1,
  });
  await until(() => connected.mock.calls.length > 0, 'a queue of its own');
  expect([...standing.keys()]).toEqual(['perfect21-hears-00000000-0000-7000-8000-000000000001']);
  const bus = eventBridgeBus({ name: BUS });
  const envelope = JSON.parse(readFileSync(new URL('../events/user.login.json', import.meta.url), 'utf8'));
  const outcomes = await bus.publish([{ body: { envelope, routing_key: 'user.events.login', priority: 0 } } as never]);
  expect(outcomes).toEqual([{ kind: 'published' }]);
  await bus.close();
  expect(sent).toHaveLength(1);
  await hearing.stop();
  expect([...standing.keys()]).toEqual([]);
  expect([...iam.missing]).toEqual([]);
  expect(log.error).not.toHaveBeenCalled();
});

test('its rights end at its own queues and rules', () => {
  const { statements } = roleOf('process');
  const may = (action: string, resource: string, context = {}): boolean =>
    statements.some((statement: never) => allows(statement, { action, resource, context }, 'process'));
  const at = (service: string, rest: string) => `arn:aws:${service}:${REGION}:123456789012:${rest}`;
  const rule = at('events', `rule/${BUS}/perfect21-hears-x`);
  expect(may('events:PutTargets', rule, { 'events:TargetArn': at('sqs', 'perfect21-hears-x') })).toBe(true);
  expect(may('events:PutTargets', rule, { 'events:TargetArn': at('sqs', 'somebody-elses') })).toBe(false);
  expect(may('events:PutRule', at('events', `rule/${BUS}/rule-of-user-events`))).toBe(false);
  expect(may('sqs:ReceiveMessage', at('sqs', 'perfect21-dev-notification-service-user_events'))).toBe(false);
  expect(may('sqs:PurgeQueue', at('sqs', 'perfect21-hears-x'))).toBe(false);
});
