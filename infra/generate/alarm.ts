/** An alarm of CloudWatch, and the series that one may look at. */
import type { Cfn } from './cfn.ts';
import { PREFIX } from './names.ts';

/** Where alarms go. */
export const TOPIC = 'AlarmTopic';
/** An alarm may look at ten series. */
const MOST = 9;

export type Metric = { namespace: string; name: string; dimensions: Record<string, Cfn>; stat: string };

export interface Alarm {
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

const dimensionsOf = (dimensions: Record<string, Cfn>): Cfn[] =>
  Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));

/** As CloudFormation has it. */
export const alarmOf = ({
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

/** Things of which each has a series, so many at a time as one alarm may look at. */
export const chunks = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / MOST) }, (_, n) => all.slice(n * MOST, (n + 1) * MOST));
const named = (id: string): Cfn => ({ 'Fn::GetAtt': [id, 'QueueName'] });
export const queue = (name: string, id: string, stat: string): Metric => ({
  namespace: 'AWS/SQS',
  name,
  dimensions: { QueueName: named(id) },
  stat,
});
export const lambda = (name: string, of: string, stat: string): Metric => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: `${PREFIX}-${of}` },
  stat,
});
export const api = (name: string, stat: string): Metric => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiId: { Ref: 'HttpApi' } },
  stat,
});
