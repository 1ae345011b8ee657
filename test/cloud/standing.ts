/** What of a template costs without use. */
import type { resourcesIn } from '../../infra/aws/bundles.ts';
import type { Counts } from '../../infra/cost/counts.ts';

/** Bytes that each value of an access log's line takes, about: an address, a time, a route. */
const VALUE_BYTES = 22;

/** A line as CloudWatch takes it: 26 bytes beside the text. */
const lineOf = (format: string): number => format.replace(/\$context\.[\w.]+/g, 'v'.repeat(VALUE_BYTES)).length + 26;

/** Counts it. Everything else that it holds is free while nobody calls, or costs by what is stored. */
export const standing = (resources: ReturnType<typeof resourcesIn>): Counts['template'] => {
  const of = (type: string) => Object.values(resources).filter(({ Type }) => Type === `AWS::${type}`);
  const alarms = of('CloudWatch::Alarm').flatMap(({ Properties }) => Properties.Metrics as { MetricStat?: object }[]);
  return {
    polled_queues: of('Lambda::EventSourceMapping').filter(({ Properties }) => !Properties.StartingPosition).length,
    minutely: of('Events::Rule').filter(({ Properties }) => Properties.ScheduleExpression === 'rate(1 minute)').length,
    alarm_metrics: alarms.filter(({ MetricStat }) => MetricStat).length,
    dashboards: of('CloudWatch::Dashboard').length,
    keys: of('KMS::Key').length,
    secrets: of('SecretsManager::Secret').length,
    access_log_bytes: lineOf(resources.HttpApiStage!.Properties.AccessLogSettings.Format),
  };
};
