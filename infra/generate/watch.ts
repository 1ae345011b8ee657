/** Alarms, where they go, and a dashboard: what somebody has to see without looking. */
import type { Cfn } from './cfn.ts';
import { sourcesOf } from './iam.ts';
import { deadId, PREFIX } from './names.ts';
import { consumedQueues, lambdaFunctions } from './platform.ts';

type Metric = { namespace: string; name: string; dimensions: Record<string, Cfn>; stat: string };

/** An alarm may look at ten series. */
const MOST = 9;
const TOPIC = 'AlarmTopic';
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
const MAIL = '${self:custom.place.alarm_mail}';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

const dimensionsOf = (dimensions: Record<string, Cfn>): Cfn[] =>
  Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));

interface Alarm {
  name: string;
  says: string;
  metrics: readonly Metric[];
  /** Of the series m1, m2, … */
  expression: string;
  above: number;
  /** Of so many minutes in a row. */
  minutes: number;
  period?: number;
  missing?: 'notBreaching' | 'breaching';
}

const alarmOf = ({
  name,
  says,
  metrics,
  expression,
  above,
  minutes,
  period = 60,
  missing = 'notBreaching',
}: Alarm): Cfn => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: `${PREFIX}-${name}`,
    AlarmDescription: says,
    Metrics: [
      ...metrics.map((metric, n) => ({
        Id: `m${n + 1}`,
        MetricStat: {
          Metric: {
            Namespace: metric.namespace,
            MetricName: metric.name,
            Dimensions: dimensionsOf(metric.dimensions),
          },
          Period: period,
          Stat: metric.stat,
        },
        ReturnData: false,
      })),
      { Id: 'seen', Expression: expression, Label: name, ReturnData: true },
    ],
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: above,
    EvaluationPeriods: minutes,
    DatapointsToAlarm: minutes,
    TreatMissingData: missing,
    AlarmActions: [{ Ref: TOPIC }],
    OKActions: [{ Ref: TOPIC }],
  },
});

const chunks = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / MOST) }, (_, n) => all.slice(n * MOST, (n + 1) * MOST));
const named = (id: string): Cfn => ({ 'Fn::GetAtt': [id, 'QueueName'] });
const queue = (name: string, id: string, stat: string): Metric => ({
  namespace: 'AWS/SQS',
  name,
  dimensions: { QueueName: named(id) },
  stat,
});
const lambda = (name: string, of: string, stat: string): Metric => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: `${PREFIX}-${of}` },
  stat,
});
const api = (name: string, stat: string): Metric => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiId: { Ref: 'HttpApi' } },
  stat,
});

const relay = lambdaFunctions.find((of) => of.relay)!.name;
/** Nobody waits for their answers, so nobody else hears of their errors. */
const unheard = lambdaFunctions.filter((of) => of.queue || of.relay).map(({ name }) => name);
const numbered = (name: string, n: number): string => (n === 0 ? name : `${name}-${n + 1}`);

const ALARMS: readonly Alarm[] = [
  {
    name: 'errors',
    says: 'More than one request in a hundred is answered 5xx. Look at the log group of the service, and at DynamoDB and KMS.',
    metrics: [api('5xx', 'Sum'), api('Count', 'Sum')],
    expression: 'IF(m2 >= 20, 100 * m1 / m2, 0)',
    above: 1,
    minutes: 3,
  },
  {
    name: 'latency',
    says: 'One request in a hundred takes longer than a second. Look at cold starts, at throttles and at the traces.',
    metrics: [api('Latency', 'p99')],
    expression: 'm1',
    above: 1_000,
    minutes: 10,
  },
  {
    name: 'throttles',
    says: 'Lambda refuses invocations: the account has too little concurrency, or a function uses up its own.',
    metrics: [{ namespace: 'AWS/Lambda', name: 'Throttles', dimensions: {}, stat: 'Sum' }],
    expression: 'm1',
    above: 0,
    minutes: 3,
  },
  ...chunks(unheard).map(
    (names, n): Alarm => ({
      name: numbered('handlers', n),
      says: 'Handlers of events end with errors: messages come again and then go to the dead letters. Look at their logs.',
      metrics: names.map((name) => lambda('Errors', name, 'Sum')),
      expression: 'SUM(METRICS())',
      above: 5,
      minutes: 5,
    }),
  ),
  ...chunks(consumedQueues).map(
    (queues, n): Alarm => ({
      name: numbered('dead-letters', n),
      says: 'There are dead letters: `npx perfect21 dlq list` says of what, `dlq replay` tries them again.',
      metrics: queues.map(({ name }) => queue('ApproximateNumberOfMessagesVisible', deadId(name), 'Maximum')),
      expression: 'MAX(METRICS())',
      above: 0,
      minutes: 1,
    }),
  ),
  ...chunks(consumedQueues.flatMap(({ name }) => sourcesOf(name))).map(
    (ids, n): Alarm => ({
      name: numbered('oldest-message', n),
      says: 'A message waits for five minutes: its handlers fail, are throttled, or are too few.',
      metrics: ids.map((id) => queue('ApproximateAgeOfOldestMessage', id, 'Maximum')),
      expression: 'MAX(METRICS())',
      above: 300,
      minutes: 5,
    }),
  ),
  {
    name: 'outbox-age',
    says: 'Events wait in the stream for a minute: mails are late, and what follows from events is stale.',
    metrics: [lambda('IteratorAge', relay, 'Maximum')],
    expression: 'm1',
    above: 60_000,
    minutes: 3,
  },
  {
    name: 'relay-silent',
    says: 'The relay, which is called each minute, has not run for five: nothing is published that the stream missed.',
    metrics: [lambda('Invocations', relay, 'Sum')],
    expression: 'IF(FILL(m1, 0) < 1, 1, 0)',
    above: 0,
    minutes: 1,
    period: 300,
    missing: 'breaching',
  },
  {
    name: 'bounces',
    says: 'One mail in twenty bounces: SES stops sending at one in ten. Look for registrations with addresses that do not exist.',
    metrics: [{ namespace: 'AWS/SES', name: 'Reputation.BounceRate', dimensions: {}, stat: 'Average' }],
    expression: '100 * m1',
    above: 5,
    minutes: 1,
    period: 3_600,
  },
];

const idOf = (name: string): string =>
  `${name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Alarm`;

/** `SEARCH` finds functions by the beginning of their names. */
const search = (name: string, stat: string): unknown[] => [
  { expression: `SEARCH('{AWS/Lambda,FunctionName} MetricName="${name}" "${PREFIX}-"', '${stat}', 60)`, id: 'all' },
];
const apiSeries = (name: string, stat: string): unknown[] => ['AWS/ApiGateway', name, 'ApiId', `\${HttpApi}`, { stat }];

const WIDGETS: readonly { title: string; metrics: unknown[][]; width?: number }[] = [
  {
    title: 'Requests and errors',
    metrics: [apiSeries('Count', 'Sum'), apiSeries('4xx', 'Sum'), apiSeries('5xx', 'Sum')],
  },
  { title: 'Latency (ms)', metrics: [apiSeries('Latency', 'p50'), apiSeries('Latency', 'p99')] },
  { title: 'Errors of functions', metrics: [search('Errors', 'Sum')] },
  { title: 'Throttles', metrics: [search('Throttles', 'Sum')] },
  { title: 'Duration of functions (p99, ms)', metrics: [search('Duration', 'p99')] },
  { title: 'At once', metrics: [search('ConcurrentExecutions', 'Maximum')] },
  {
    title: 'Age of the oldest message (s)',
    metrics: [
      [
        {
          expression: `SEARCH('{AWS/SQS,QueueName} MetricName="ApproximateAgeOfOldestMessage" "${PREFIX}-"', 'Maximum', 60)`,
          id: 'all',
        },
      ],
    ],
  },
  {
    title: 'Dead letters',
    metrics: [
      [
        {
          expression: `SEARCH('{AWS/SQS,QueueName} MetricName="ApproximateNumberOfMessagesVisible" "${PREFIX}-" "dead"', 'Maximum', 60)`,
          id: 'all',
        },
      ],
    ],
  },
  {
    title: 'Age of the outbox (ms)',
    metrics: [['AWS/Lambda', 'IteratorAge', 'FunctionName', `${PREFIX}-${relay}`, { stat: 'Maximum' }]],
  },
  {
    title: 'Logins and registrations',
    metrics: [
      [
        {
          expression: `SEARCH('{perfect21,event_type,result} MetricName="perfect21_auth_events_total"', 'Sum', 60)`,
          id: 'all',
        },
      ],
    ],
  },
];
const dashboard: Cfn = {
  Type: 'AWS::CloudWatch::Dashboard',
  Properties: {
    DashboardName: PREFIX,
    DashboardBody: {
      'Fn::Sub': JSON.stringify({
        widgets: WIDGETS.map(({ title, metrics }, n) => ({
          type: 'metric',
          ...{ x: (n % 2) * 12, y: Math.floor(n / 2) * 6, width: 12, height: 6 },
          properties: { title, region: `\${AWS::Region}`, view: 'timeSeries', period: 60, metrics },
        })),
      }),
    },
  },
};

/** By logical id, and the condition under which somebody is written to. */
export const watchConditions = { HasAlarmMail: { 'Fn::Not': [{ 'Fn::Equals': [MAIL, ''] }] } };
/** For PERFECT21_ROLLBACK_ALARMS. */
export const watchOutputs: Record<string, Cfn> = Object.fromEntries(
  ['errors', 'handlers'].map((name) => [
    `${idOf(name)}Arn`,
    {
      Description: 'An update may be taken back by it: PERFECT21_ROLLBACK_ALARMS',
      Value: { 'Fn::GetAtt': [idOf(name), 'Arn'] },
    },
  ]),
);
export const watchResources = (): Record<string, Cfn> => ({
  [TOPIC]: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `${PREFIX}-alarms` } },
  AlarmMail: {
    Type: 'AWS::SNS::Subscription',
    Condition: 'HasAlarmMail',
    Properties: { TopicArn: { Ref: TOPIC }, Protocol: 'email', Endpoint: MAIL },
  },
  ...Object.fromEntries(ALARMS.map((alarm) => [idOf(alarm.name), alarmOf(alarm)])),
  Dashboard: dashboard,
});
