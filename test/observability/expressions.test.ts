import { expect, test } from 'vitest';
import { faultOf, metricsIn } from '../../infra/observability/expressions.ts';

test('an expression names metrics and labels that the platform has', () => {
  expect(faultOf('sum by (service) (rate(perfect21_requests_total{status=~"5.."}[5m]))')).toBeUndefined();
  expect(
    faultOf('histogram_quantile(0.99, sum by (le) (rate(perfect21_event_age_seconds_bucket[5m])))'),
  ).toBeUndefined();
  expect(faultOf('perfect21:link_errors:ratio_rate5m{link="rest"} > 0.01')).toBeUndefined();
});

test('a metric or a label that was renamed breaks what names it', () => {
  expect(faultOf('rate(perfect21_request_total[5m])')).toBe('no metric is called perfect21_request_total');
  expect(faultOf('perfect21_queue_depth_bucket')).toBe('no metric is called perfect21_queue_depth_bucket');
  expect(faultOf('perfect21_queue_depth{name="outbox"}')).toBe('perfect21_queue_depth has no label name');
  expect(faultOf('sum by (code) (perfect21_queue_depth)')).toBe('none of its metrics has the label code');
});

test('what stands in quotes is no name', () => {
  expect(metricsIn('perfect21_queue_depth{queue="perfect21.dead"}')).toEqual(['perfect21_queue_depth']);
});
