/**
 * The promises of the bus on EventBridge with SQS: the real SDK, a double of EventBridge that judges the rules' patterns,
 * an emulator of SQS, and the door that Lambda calls. The emulator lives in this process, so it goes by the test's clock.
 */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { vi } from 'vitest';
import { lambdaQueue } from '../../shared/doors/lambda/queue.ts';
import type { Service } from '../../shared/kit/service.ts';
import { RETRY_STEPS } from '../../shared/messaging/backoff.ts';
import type { Bus } from '../../shared/messaging/bus.ts';
import { listenOnEventBridge } from '../../shared/messaging/eventbridge/broadcast.ts';
import { eventBridgeBus } from '../../shared/messaging/eventbridge/bus.ts';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import { startWorker } from '../../shared/process/worker.ts';
import { lambdaContext } from '../doors/lambda/support.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { ruleControl } from '../engines/eventbridge-rules.ts';
import { startSqs } from '../engines/sqs.ts';
import { hostOf, Life } from '../messaging/life.ts';
import { openRig, probeCollections, SECRET, TestClock } from '../messaging/rig.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import type { Bench, BusHarness, Running, Traits } from './bus-harness.ts';
import { busContract } from './bus-suite.ts';

// read when the door is loaded
vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});

const clock = new TestClock();
const traits: Traits = {
  order: 'never',
  tries: RETRY_STEPS.length + 1,
  // SQS counts whole seconds, and the clock moves a second at a time
  backoff: { steps: RETRY_STEPS, spread: 0.2, early: 500, late: 1_500, now: () => clock.now() },
  poison: { notJson: 'invalid_request', noEnvelope: 'invalid_request' },
  priorities: 'urgent from 7 on',
  full: 'it never is',
  tellsUnroutable: false,
  catchUps: 1,
  held: () => 10,
  deaths: 5,
  dies: ['before', 'after'],
};

/** Longer than a function takes; a bench's clock passes more than this when a process died. */
const VISIBILITY_S = 60;
const BENCHES = 40;
const queue = (id: string, dead: string) => ({
  [id]: {
    Type: 'AWS::SQS::Queue',
    Properties: { RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [dead, 'Arn'] }, maxReceiveCount: 7 } },
  },
});
const resources = Object.assign(
  {},
  ...Array.from({ length: BENCHES }, (_, n) => ({
    ...queue(`Queue${n}`, `Queue${n}Dead`),
    ...queue(`Queue${n}Urgent`, `Queue${n}Dead`),
    [`Queue${n}Dead`]: { Type: 'AWS::SQS::Queue', Properties: {} },
  })),
);

const handlersOf = (platform: readonly Service[]) =>
  platform.flatMap(({ operations }) => operations.filter(({ subscription }) => subscription?.queue));

const harness = async (): Promise<BusHarness> => {
  const sqs = await startSqs(resources, { visibility: VISIBILITY_S });
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.stubEnv('PERFECT21_SECRET', SECRET);
  stubEnvironment(awsEnvironment({ SQS: sqs.endpoint }));
  let benches = 0;

  const open: BusHarness['open'] = async (platform, limits): Promise<Bench> => {
    const id = `Queue${benches++}`;
    const sources = [`${id}Urgent`, id];
    const rig = await openRig({ platform, collections: probeCollections, clock });
    const handlers = handlersOf(platform);
    const bindings = handlers.flatMap(({ subscription }) => subscription!.bindings);
    const rules = (['urgent', 'other'] as const).map((part, n) => ({
      pattern: handlers.length ? compileBindings(bindings, part) : {},
      target: sources[n]!,
    }));
    const { rules: all, control, standing } = ruleControl();
    for (const { pattern, target } of handlers.length ? rules : []) {
      control('PutRule', { Name: target, EventPattern: JSON.stringify(pattern) });
      control('PutTargets', { Rule: target, Targets: [{ Id: 'queue', Arn: target }] });
    }
    const bridge = await startEventBridge({ bus: 'events', rules: all, control, deliver: sqs.sendTo });
    const options = { endpoint: bridge.endpoint, maxAttempts: 1 };
    const listen: Bus['listen'] = (ports, listener) =>
      listenOnEventBridge('events', ports, listener, { options, wait_s: 1 });
    const bus = { ...eventBridgeBus({ name: 'events', options }), listen };
    const running = new Map<Running, Life>();

    const start: Bench['start'] = async ({ life = new Life(), consume = true, platform: runs = platform } = {}) => {
      const host = hostOf(rig.host, life);
      // without it a function leaves its messages as they are, as one that died does
      vi.stubEnv('QUEUE_DEAD_URL', sqs.url(`${id}Dead`));
      life.onEnd(() => vi.stubEnv('QUEUE_DEAD_URL', ''));
      const ports = Object.entries(host.ports).map(
        ([port, value]) => ({ port, needs: [], env: [], open: () => ({ port: value }) }) as any,
      );
      const call = handlers.length ? lambdaQueue(handlers, () => ports, limits) : undefined;
      // SQS keeps no order
      const handler = ({ Records }: SQSEvent): Promise<SQSBatchResponse> =>
        life.call(() => call!({ Records: Records.toReversed() }, lambdaContext()) as Promise<SQSBatchResponse>);
      const worker = startWorker(host, runs, { bus: life.guard(bus, [], ['listen']), consume: false });
      const own: Running = {
        host,
        drain: async () => {
          vi.setSystemTime(clock.now());
          await worker.drain();
          for (const source of consume && call ? sources : []) await sqs.drain(source, handler);
        },
        stop: async () => {
          running.delete(own);
          await worker.stop();
        },
      };
      running.set(own, life);
      return own;
    };

    return {
      rig,
      start,
      inject: (content) => sqs.send(id, content),
      waiting: async () => sources.flatMap((source) => sqs.waiting(source)).length,
      dead: async () =>
        sqs.inspect(`${id}Dead`).ready.map(({ body, messageAttributes }: any) => ({
          content: contentOf(body),
          reason: messageAttributes.reason?.StringValue,
        })),
      tick: async () => {
        for (const [each, life] of running) if (!life.over) await each.drain();
        clock.pass(1_000);
      },
      interrupt: async () => {
        bridge.state.trouble = { call: { status: 500, type: 'InternalException' } };
      },
      resume: async () => {
        bridge.state.trouble = {};
      },
      ears: async () => [...standing.keys()].filter((name) => name.startsWith('perfect21-hears-')).length,
      close: async () => {
        for (const each of [...running.keys()]) await each.stop();
        await bus.close();
        await bridge.close();
        await rig.close();
      },
    };
  };

  return {
    open,
    close: async () => {
      vi.useRealTimers();
      vi.unstubAllEnvs();
      await sqs.close();
    },
  };
};

/** The envelope as it was written: EventBridge frames it, and our entry adds how it was routed. */
const contentOf = (body: string): string => {
  try {
    const { detail } = JSON.parse(body);
    const { routing: _, ...envelope } = detail;
    return JSON.stringify(envelope);
  } catch {
    return body;
  }
};

busContract('EventBridge and SQS', traits, harness);
