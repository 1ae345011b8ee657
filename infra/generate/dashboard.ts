/** The dashboard of CloudWatch. */
import type { Cfn } from './cfn.ts';
import { PREFIX } from './names.ts';
import { relay } from './platform.ts';

/** `SEARCH` finds series by the beginning of their names. */
const search = (dimensions: string, name: string, stat: string, more = ''): unknown[] => [
  { expression: `SEARCH('{${dimensions}} MetricName="${name}"${more}', '${stat}', 60)`, id: 'all' },
];
const OURS = ` "${PREFIX}-"`;
const functions = (name: string, stat: string): unknown[] => search('AWS/Lambda,FunctionName', name, stat, OURS);
const queues = (name: string, more = ''): unknown[] => search('AWS/SQS,QueueName', name, 'Maximum', OURS + more);
const apiSeries = (name: string, stat: string): unknown[] => ['AWS/ApiGateway', name, 'ApiId', `\${HttpApi}`, { stat }];

const WIDGETS: readonly { title: string; metrics: unknown[][]; width?: number }[] = [
  {
    title: 'Requests and errors',
    metrics: [apiSeries('Count', 'Sum'), apiSeries('4xx', 'Sum'), apiSeries('5xx', 'Sum')],
  },
  { title: 'Latency (ms)', metrics: [apiSeries('Latency', 'p50'), apiSeries('Latency', 'p99')] },
  { title: 'Errors of functions', metrics: [functions('Errors', 'Sum')] },
  { title: 'Throttles', metrics: [functions('Throttles', 'Sum')] },
  { title: 'Duration of functions (p99, ms)', metrics: [functions('Duration', 'p99')] },
  { title: 'At once', metrics: [functions('ConcurrentExecutions', 'Maximum')] },
  {
    title: 'Age of the oldest message (s)',
    metrics: [queues('ApproximateAgeOfOldestMessage')],
  },
  {
    title: 'Dead letters',
    metrics: [queues('ApproximateNumberOfMessagesVisible', ' "dead"')],
  },
  {
    title: 'Age of the outbox (ms)',
    metrics: [['AWS/Lambda', 'IteratorAge', 'FunctionName', `${PREFIX}-${relay.name}`, { stat: 'Maximum' }]],
  },
  {
    title: 'Logins and registrations',
    metrics: [search('perfect21,event_type,result', 'perfect21_auth_events_total', 'Sum')],
  },
];
export const dashboard: Cfn = {
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
