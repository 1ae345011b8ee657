/** The packaged template deployed onto the emulators: functions as processes with roles, queues, the bus, and what brings events. */
import { mkdtempSync, rmSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { schema } from '../../functions/index.ts';
import { resourcesIn } from '../../infra/aws/bundles.ts';
import { devCredentials, seedDevCredentials } from '../../infra/local/dev-credentials.ts';
import { PACKAGE } from '../../infra/package.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { revocations } from '../../shared/keys/revocation-records.ts';
import { STALENESS_BOUND_MS } from '../../shared/keys/revocations.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { reach } from '../../shared/kit/reach.ts';
import { openHost } from '../../shared/process/host.ts';
import { fromHttpResponse } from '../e2e/doors/http-request.ts';
import { lambdaEvent } from '../e2e/doors/lambda.ts';
import { ORIGIN } from '../e2e/passkey.ts';
import type { Mail, World } from '../e2e/world.ts';
import { socketEvent, startGateway } from '../engines/api-gateway.ts';
import { startDynamo } from '../engines/dynamodb.ts';
import { rulesIn, startEventBridge } from '../engines/eventbridge.ts';
import { startKms } from '../engines/kms.ts';
import { startS3 } from '../engines/s3.ts';
import { startScheduler } from '../engines/scheduler.ts';
import { startSecretsManager } from '../engines/secrets-manager.ts';
import { startSes } from '../engines/ses.ts';
import { startSns } from '../engines/sns.ts';
import { startSqs } from '../engines/sqs.ts';
import { awsEnvironment } from '../support/aws.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { type Need, startIam } from './iam.ts';
import type { Meter } from './meter.ts';
import { type MeasuredStart, type RunningFunction, startFunction } from './runtime.ts';
import { ACCOUNT, invokedBy, REGION, readTemplate } from './template.ts';
import { unpackAll } from './unpack.ts';

export type { Need };

const PROCESS_BYTES = 120e6;
/** Processes that are alive at a time: a frozen one costs memory all the same, and a new one its start. */
const ALIVE = Math.max(12, Math.floor(freemem() / 2 / PROCESS_BYTES));

/**
 * Deploys it.
 *
 * @param options.meter hears of what functions do; they then log as they would in production
 */
export const deployStack = async ({ meter }: { meter?: Meter } = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-cloud-'));
  const files = unpackAll(folder);
  const resources = resourcesIn(PACKAGE);
  const [dynamo, kms, vault, ses, sns, sqs] = await Promise.all([
    startDynamo(),
    startKms(),
    startSecretsManager(),
    startSes('not-set.invalid'),
    startSns(),
    startSqs(resources),
  ]);
  let proxy = '';
  const template = readTemplate((id) => `${proxy}/000000000000/${id}`);
  const bus = await startEventBridge({
    bus: template.ref('EventBus'),
    rules: rulesIn(template.resources),
    deliver: sqs.send,
  });
  const scheduler = await startScheduler({
    groups: [template.resolve(resources.EventsDueGroup!.Properties.Name)],
    deliver: async () => {},
  });
  const s3 = await startS3(template.ref('BulkBucket'), { told: (body) => sqs.send('UsersBulkQueue', body) });
  const gateway = await startGateway();
  const endpoints = {
    'execute-api': gateway.endpoint,
    s3: s3.endpoint,
    dynamodb: dynamo.endpoint,
    kms: kms.endpoint,
    secretsmanager: vault.endpoint,
    ses: ses.endpoint,
    sns: sns.endpoint,
    sqs: sqs.endpoint,
    events: bus.endpoint,
    scheduler: scheduler.endpoint,
  };
  const iam = await startIam(template.functions, endpoints, sqs.url, meter?.heard);
  proxy = iam.endpoint;
  // read again, as the URLs of queues name the proxy
  const { functions } = readTemplate((id) => `${proxy}/000000000000/${id}`);
  kms.add(template.ref('SigningKey'), 'RSA_2048');
  vault.secrets[template.ref('PlatformSecret')] = TEST_SECRET;

  // what `npx perfect21 migrate` does, and the accounts that cases want
  Object.assign(process.env, awsEnvironment({ DYNAMODB: dynamo.endpoint }));
  const { STORE_URL = '' } = functions[0]!.environment;
  const operator = { STORE_URL, PERFECT21_SECRET: TEST_SECRET, PERFECT21_DATA_DIR: folder, LOG_LEVEL: 'silent' };
  const host = await openHost(loadConfig(operator), schema);
  const credentials = devCredentials(folder);
  await seedDevCredentials(host, credentials, ['users', 'permissions']);
  const { store } = host.ports;

  /** What the environment says otherwise than the template. */
  let instead: Readonly<Record<string, string>> = {};
  const environmentOf = (key: string): Record<string, string> => {
    const { environment, name } = functions.find((each) => each.key === key)!;
    return {
      ...environment,
      ...Object.fromEntries(Object.entries(instead).filter(([variable]) => variable in environment)),
      PERFECT21_ORIGINS: ORIGIN,
      PERFECT21_PASSKEY_RP_ID: new URL(ORIGIN).hostname,
      PERFECT21_RESET_DELAY: '0',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: key,
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL: proxy,
      ...(environment.PERFECT21_CONNECTIONS_URL && { PERFECT21_CONNECTIONS_URL: `${proxy}/ws` }),
      LOG_LEVEL: meter ? 'info' : 'error',
    };
  };

  const running = new Map<string, Promise<RunningFunction>>();
  const invoked = new Set<string>();
  const answered = new Map<string, number>();
  const used = new Map<string, number>();
  let revoked = -Infinity;
  /** Keeps a process for what comes. The one used last stands last. */
  const keep = async (key: string, alive: Promise<RunningFunction>): Promise<void> => {
    running.delete(key);
    running.set(key, alive);
    for (const [other, idle] of running) {
      if (running.size <= ALIVE) break;
      running.delete(other);
      await (await idle).close();
    }
  };
  /** Ends those, so that each starts anew, and gives what each wrote. */
  const end = async (keys: readonly string[]): Promise<Map<string, string>> => {
    const those = keys.map((key) => [key, running.get(key)!] as const);
    for (const key of keys) running.delete(key);
    const said = async ([key, each]: (typeof those)[number]): Promise<[string, string]> => {
      await (await each).close();
      return [key, (await each).said()];
    };
    return new Map(await Promise.all(those.map(said)));
  };
  const invoke = async (key: string, event: unknown): Promise<any> => {
    if (!functions.some((each) => each.key === key)) throw new Error(`the template has no function ${key}`);
    invoked.add(key);
    // a frozen function may believe for so long what it knew before
    const since = answered.get(key) ?? Number.NEGATIVE_INFINITY;
    const bound = Number(instead.PERFECT21_MAX_STALENESS ?? STALENESS_BOUND_MS);
    const believes = running.has(key) && since < revoked ? since + bound + 100 - performance.now() : 0;
    if (believes > 0) await sleep(believes);
    const alive = running.get(key) ?? startFunction(files.get(key)!.file, environmentOf(key));
    const cold = !running.has(key);
    await keep(key, alive);
    const { result, used_ms } = await (await alive).invoke(event);
    meter?.invoked({ key, event, result, cold, cpu_ms: used_ms - (cold ? 0 : (used.get(key) ?? 0)) });
    used.set(key, used_ms);
    answered.set(key, performance.now());
    return result;
  };

  const consumers = Object.values(resources)
    .filter(({ Type, Properties }) => Type === 'AWS::Lambda::EventSourceMapping' && !Properties.StartingPosition)
    .map(({ Properties }) => ({
      queue: Properties.EventSourceArn['Fn::GetAtt'][0] as string,
      name: template.resolve(
        resources[invokedBy(resources, Properties.FunctionName)]!.Properties.FunctionName,
      ) as string,
    }))
    .map(({ queue, name }) => ({ queue, key: name.replace(/^perfect21-dev-/, '') }));

  /** Brings events from the outbox over the bus to their functions until none waits. */
  const drain = async (): Promise<void> => {
    for (let round = 0; round < 20; round++) {
      const { relayed } = await invoke('events-relay', { Records: [] });
      for (const { queue, key } of consumers) {
        if (sqs.waiting(queue).length) await sqs.drain(queue, (event) => invoke(key, event));
      }
      if (relayed === 0) return;
    }
  };

  /** What API Gateway does when a client connects, speaks or leaves. */
  const sockets = {
    ...gateway,
    connect: async (id: string, query: Record<string, string>): Promise<number> => {
      const { statusCode } = await invoke('notifications-open-connection', socketEvent('CONNECT', id, { query }));
      if (statusCode === 200) gateway.open.add(id);
      return statusCode;
    },
    say: (id: string, said: object): Promise<unknown> =>
      invoke('notifications-hear-connection', socketEvent('MESSAGE', id, { body: JSON.stringify(said) })),
    leave: (id: string): Promise<unknown> => {
      gateway.open.delete(id);
      return invoke('notifications-leave-connection', socketEvent('DISCONNECT', id));
    },
  };

  const world: World = {
    name: 'packaged functions',
    refreshes: true,
    call: async (op, input, options) => {
      const event = lambdaEvent(op, input, options);
      const { statusCode, headers, body } = await invoke(op.name.replace('.', '-'), event);
      if (statusCode < 300 && reach(op).writes.has(revocations.name)) revoked = performance.now();
      return fromHttpResponse(statusCode, headers?.['content-type'], body ?? '');
    },
    mails: async (to) => {
      await drain();
      const mails = ses.sent.map(({ Destination, Content: { Simple } }): Mail => {
        const { Text, Html } = Simple.Body;
        const [address = ''] = Destination.ToAddresses;
        return { channel: 'email', to: address, subject: Simple.Subject.Data, text: Text.Data, html: Html.Data };
      });
      const texts = sns.published.map(
        ({ PhoneNumber = '', TargetArn = '', Message }): Mail => ({
          channel: PhoneNumber ? 'sms' : 'push',
          to: PhoneNumber || TargetArn,
          subject: '',
          text: Message,
          html: '',
        }),
      );
      return [...texts, ...mails].filter((mail) => mail.to.includes(to)).reverse();
    },
    ...credentials,
  };

  /** Starts a function whose first event stands in a file, and keeps its process. */
  const start = async (key: string, event: string): Promise<MeasuredStart> => {
    await end(running.has(key) ? [key] : []);
    const alive = await startFunction(files.get(key)!.file, { ...environmentOf(key), EVENT_FILE: event });
    await keep(key, Promise.resolve(alive));
    const measured = await alive.measured();
    used.set(key, measured.cpu_ms);
    answered.set(key, performance.now());
    return measured;
  };

  return {
    folder,
    files,
    functions,
    start,
    resources,
    store,
    dynamo,
    iam,
    /** Ends all functions, so that each starts anew, and gives what each wrote. */
    cool: () => end([...running.keys()]),
    /** From now on no function believes what it knew of revocations. */
    outdate: (): void => {
      revoked = performance.now();
    },
    /** From now on functions have this in their environment where the template has the variable: those start anew. */
    configure: async (more: Readonly<Record<string, string>>): Promise<void> => {
      const all = () => new Map([...running.keys()].map((key) => [key, JSON.stringify(environmentOf(key))]));
      const before = all();
      instead = { ...instead, ...more };
      await end([...all()].filter(([key, environment]) => environment !== before.get(key)).map(([key]) => key));
    },
    /** A key that seals, which functions have the rights at that the template gives where a deployment names none. */
    addSealingKey: (): string => {
      const key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/none`;
      kms.addSymmetric(key);
      return key;
    },
    kms,
    invoke,
    invoked,
    world,
    sockets,
    drain,
    scheduler,
    outbox: () => store.messages.peek(OUTBOX, 100),
    send: sqs.send,
    close: async () => {
      await end([...running.keys()]);
      await host.close();
      await Promise.all(
        [iam, gateway, s3, bus, scheduler, sqs, sns, ses, vault, kms, dynamo].map((each) => each.close()),
      );
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
export type Stack = Awaited<ReturnType<typeof deployStack>>;
