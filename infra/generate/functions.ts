/** infra/generated/functions.yml: the functions of serverless.yml. */
import { stringify } from 'yaml';
import { OUTBOX } from '../../shared/kit/event.ts';
import { MESSAGES } from '../../shared/store/dynamodb/tables.ts';
import { awsAdaptersOf } from './adapters.ts';
import { AMAZON_MQ, AMAZON_MQ_URL } from './amazon-mq.ts';
import { BUCKET } from './bulk.ts';
import type { Cfn } from './cfn.ts';
import { DUE, DUE_GROUP, DUE_ROLE } from './due.ts';
import { DOCUMENT, EVENT_DOCUMENT, type GeneratedFile, type Generator } from './files.ts';
import { logGroupId, logGroupOf, sourcesOf } from './iam.ts';
import { deadId, getArn, PREFIX, queueId, roleId, tableId } from './names.ts';
import { bridgeFunctions, bulkQueueOf, type LambdaFunction, lambdaFunctions } from './platform.ts';

/** Seconds. API Gateway waits 30, callers less. A queue's function may take its time; the relay is called each minute; bulk work takes all there is. */
const TIMEOUT = { http: 10, queue: 30, relay: 60, bulk: 900 };
/** Messages that a queue brings at once. */
const BATCH = 10;
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
/**
 * How many of a function a queue has at a time, and messages that each is brought. A provider takes so many mails a second
 * (SES 14, where it was not asked for more), and what outruns it spends the tries of its messages: so a function that
 * sends gets one message, which it takes about a quarter of a second for, and few run at once.
 */
const PACE = {
  sending: { batchSize: 1, maximumConcurrency: '${self:custom.queues.sending}' },
  other: { batchSize: BATCH, maximumConcurrency: '${self:custom.queues.other}' },
  // a message is a quarter of an hour of work
  bulk: { batchSize: 1, maximumConcurrency: 2 },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in
/** The ports that ask providers. */
const SENDING = new Set(['mailer', 'sms', 'push']);
/** MB. CPU comes with memory: 1769 is one whole processor, which argon2 uses well. */
const memoryOf = (of: LambdaFunction): number =>
  awsAdaptersOf(of).some(({ port }) => port === 'passwords') ? 1769 : 512;

/** What the configuration asks of every process. */
const EVERYWHERE = ['STORE_URL', 'PERFECT21_SECRET', 'LOG_LEVEL', 'NODE_ENV'];
/** Speaks of files and ports of a machine: a function has none. */
const NOWHERE = new Set(['PERFECT21_DATA_DIR', 'PERFECT21_SMTP_PORT']);

const environmentOf = (of: LambdaFunction): Record<string, Cfn> => {
  const names = new Set([...EVERYWHERE, ...awsAdaptersOf(of).flatMap(({ env }) => env)]);
  if (of.relay || of.bridge === 'eventbridge') names.add('BUS_URL');
  // whose pages may connect
  if (of.socket === '$connect') for (const name of ['PERFECT21_PUBLIC_URL', 'PERFECT21_ORIGINS']) names.add(name);
  return {
    ...Object.fromEntries(
      [...names]
        .filter((name) => !NOWHERE.has(name))
        .sort()
        .map((name) => [name, `\${self:custom.environment.${name}}`]),
    ),
    ...(of.relay && {
      DUE_QUEUE_URL: { Ref: DUE },
      DUE_QUEUE_ARN: getArn(DUE),
      DUE_ROLE_ARN: getArn(DUE_ROLE),
      DUE_GROUP,
    }),
    // of a queue, Ref is the URL
    ...(of.queue && { QUEUE_DEAD_URL: { Ref: deadId(of.queue) } }),
    ...((of.bulk || of.asks) && {
      PERFECT21_BULK_BUCKET: { Ref: BUCKET },
      PERFECT21_BULK_QUEUE: { Ref: queueId(bulkQueueOf(of.operations[0]!)) },
    }),
    ...(of.bridge === 'eventbridge' && { BRIDGE_QUEUE_URL: { Ref: queueId(BACK) } }),
    ...(of.bridge === 'rabbitmq' && { BUS_URL: AMAZON_MQ_URL }),
  };
};

/** What the default route serves, read from disk when it is asked for. */
const SERVED = [
  DOCUMENT,
  EVENT_DOCUMENT,
  ...['package.json', 'static/swagger-ui.css', 'static/swagger-ui-bundle.js'].map(
    (file) => `node_modules/@fastify/swagger-ui/${file}`,
  ),
];

/**
 * The relay looks when something was put into the outbox, when an alarm rings, and each minute. What the stream brings is not read: a batch
 * that failed is neither split nor kept long, for the next look finds the rows all the same.
 */
const RELAYED = [
  {
    stream: {
      type: 'dynamodb',
      arn: { 'Fn::GetAtt': [tableId(MESSAGES), 'StreamArn'] },
      startingPosition: 'LATEST',
      batchSize: 100,
      batchWindow: 0,
      maximumRetryAttempts: 2,
      maximumRecordAgeInSeconds: 60,
      filterPatterns: [{ eventName: ['INSERT'], dynamodb: { Keys: { queue: { S: [{ prefix: OUTBOX }] } } } }],
    },
  },
  { schedule: { rate: ['rate(1 minute)'] } },
  { sqs: { arn: getArn(DUE), batchSize: BATCH } },
];

/** The queue that EventBridge fills with all events, for the function that carries them to RabbitMQ. */
const BACK = bridgeFunctions.find(({ queue }) => queue)!.queue!;

const eventsOf = (of: LambdaFunction): object[] => {
  if (of.relay) return RELAYED;
  if (of.bridge === 'eventbridge') return [AMAZON_MQ];
  // what is behind HTTP and WebSockets is invoked by the APIs (api.ts, sockets.ts)
  if (!of.queue) return [];
  const sends = awsAdaptersOf(of).some(({ port }) => SENDING.has(port));
  // a bound for each source: the many leave room for the urgent ones, and both for requests
  return sourcesOf(of.queue).map((source) => ({
    sqs: {
      arn: getArn(source),
      ...PACE[of.bulk ? 'bulk' : sends ? 'sending' : 'other'],
      functionResponseType: 'ReportBatchItemFailures',
    },
  }));
};

const timeoutOf = ({ queue, bridge, relay, bulk }: LambdaFunction): number =>
  bulk ? TIMEOUT.bulk : relay ? TIMEOUT.relay : queue || bridge ? TIMEOUT.queue : TIMEOUT.http;

const descriptionOf = ({ operations, bridge, relay, bulk }: LambdaFunction): string =>
  bulk
    ? `Works on rows: ${operations.map(({ summary }) => summary).join('; ')}`
    : bridge
      ? `Carries events to ${bridge === 'rabbitmq' ? 'RabbitMQ' : 'EventBridge'}`
      : relay
        ? 'Brings events from the outbox to the bus'
        : operations.map(({ summary }) => summary).join('; ') || 'Health, documents, pages and unknown paths';

export const functionOf = (of: LambdaFunction) => ({
  name: `${PREFIX}-${of.name}`,
  handler: `functions/lambda/${of.name}.handler`,
  description: descriptionOf(of),
  memorySize: memoryOf(of),
  timeout: timeoutOf(of),
  role: roleId(of.name),
  // one group for a service; Lambda writes to it what functions say, and of itself what went wrong
  disableLogs: true,
  dependsOn: [logGroupId(of)],
  logs: { logFormat: 'JSON', logGroup: logGroupOf(of), systemLogLevel: 'WARN', applicationLogLevel: LEVEL },
  environment: environmentOf(of),
  events: eventsOf(of),
  ...(of.fallback && { package: { patterns: SERVED } }),
});

/** Powertools heeds this level before `LOG_LEVEL`. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: osls fills it in
const LEVEL = '${self:custom.log_levels.${self:custom.environment.LOG_LEVEL}}';

const HEADER = '# Generated by infra/generate from the table of operations. Do not edit: run "npm run generate".\n';

/** YAML without anchors and without folding, so that a diff shows what changed. */
export const toYaml = (value: unknown): string =>
  HEADER + stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });

export const functions: Generator = {
  generate: (): GeneratedFile[] => [
    {
      path: 'infra/generated/functions.yml',
      content: toYaml(Object.fromEntries(lambdaFunctions.map((of) => [of.name, functionOf(of)]))),
    },
  ],
};

/** Seconds that a message stays hidden while its function works on it: AWS advises six times the function's own. */
export const VISIBILITY = 6 * TIMEOUT.queue;
export const RELAY_VISIBILITY = 6 * TIMEOUT.relay;
export const BULK_VISIBILITY = 6 * TIMEOUT.bulk;
