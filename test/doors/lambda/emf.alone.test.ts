import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { emfLines } from '../../../shared/doors/lambda/emf.ts';
import { lambda } from '../../../shared/doors/lambda/lambda.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { httpEvent, lambdaContext } from './support.ts';

test('count and duration of a request are one line, and neither has a label of the other', async () => {
  const find = operation({
    name: 'tests.find',
    summary: 'Finds',
    http: { method: 'GET', path: '/things' },
    access: 'public',
    input: z.strictObject({}),
    output: z.object({}),
    run: () => ({}),
  });
  const handler = lambda(find, () => [systemClock, randomIds]);
  const said: string[] = [];
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const event = httpEvent({ method: 'GET', path: '/things' });
  await handler(event, lambdaContext());
  const first = said.splice(0).filter((line) => line.includes('CloudWatchMetrics'));
  await handler(event, lambdaContext());
  written.mockRestore();
  const second = said.filter((line) => line.includes('CloudWatchMetrics'));
  // the first says of the cold start, too
  expect([first.length, second.length]).toEqual([1, 1]);
  expect(first[0]).toContain('"ColdStart":1');
  const { _aws, ...members } = JSON.parse(second[0]!);
  const labels = ['service', 'method', 'endpoint'];
  expect(_aws.CloudWatchMetrics).toEqual([
    {
      Namespace: 'perfect21',
      Dimensions: [[...labels, 'status']],
      Metrics: [{ Name: 'perfect21_requests_total', Unit: 'Count' }],
    },
    {
      Namespace: 'perfect21',
      Dimensions: [labels],
      Metrics: [{ Name: 'perfect21_request_duration_seconds', Unit: 'Seconds' }],
    },
  ]);
  expect(Math.abs(_aws.Timestamp - Date.now())).toBeLessThan(60_000);
  expect(members).toEqual({
    service: 'tests',
    method: 'GET',
    endpoint: '/things',
    status: '200',
    perfect21_requests_total: 1,
    perfect21_request_duration_seconds: expect.any(Number),
  });
});

test('metrics that would contradict each other in one line get two', () => {
  const one = { name: 'a', unit: 'Count', labels: { queue: 'x' }, value: 1 } as const;
  const lines = emfLines(
    [one, { ...one, name: 'b' }, { ...one, name: 'b' }, { ...one, name: 'c', labels: { queue: 'y' } }],
    5,
  );
  expect(lines.map(({ _aws, ...members }: any) => [_aws.CloudWatchMetrics.length, members])).toEqual([
    [2, { queue: 'x', a: 1, b: 1 }],
    [1, { queue: 'x', b: 1 }],
    [1, { queue: 'y', c: 1 }],
  ]);
});
