/** What one service answers. */
import type { Dashboard } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import { serviceName } from '../../../shared/kit/service-name.ts';
import { dashboard } from '../panels.ts';
import { CONNECTIONS } from './processes.ts';
import { p, rate } from './queries.ts';

/** @param folder of the service, e.g. `auth` */
export const ofService = (folder: string): Dashboard => {
  const service = serviceName(folder);
  const own = `service="${service}"`;
  const operations = `operation=~"${folder}[.].*"`;
  return dashboard(folder, service, `What ${service} answers.`, [
    {
      title: 'Requests',
      charts: [
        {
          title: 'Rate',
          description: 'By route or method.',
          unit: 'reqps',
          lines: [{ expr: rate('perfect21_requests_total', 'endpoint', own), legend: '{{endpoint}}' }],
        },
        {
          title: 'By status',
          description: 'HTTP or gRPC.',
          unit: 'reqps',
          lines: [{ expr: rate('perfect21_requests_total', 'status', own), legend: '{{status}}' }],
        },
        {
          title: 'p99',
          description: 'By route or method; streams last as long as they are read.',
          unit: 's',
          lines: [{ expr: p(0.99, 'perfect21_request_duration_seconds', 'endpoint', own), legend: '{{endpoint}}' }],
        },
        {
          title: 'Operations',
          description: 'By operation, over every door and from other operations.',
          unit: 'reqps',
          lines: [
            { expr: rate('perfect21_operation_seconds_count', 'operation', operations), legend: '{{operation}}' },
          ],
        },
        {
          title: 'Outcomes of operations',
          description: 'ok, or the code of the error; refusals are the caller’s.',
          unit: 'reqps',
          lines: [{ expr: rate('perfect21_operation_seconds_count', 'result', operations), legend: '{{result}}' }],
        },
        {
          title: 'p99 of operations',
          description: 'With what they call.',
          unit: 's',
          lines: [{ expr: p(0.99, 'perfect21_operation_seconds', 'operation', operations), legend: '{{operation}}' }],
        },
        {
          ...CONNECTIONS,
          lines: [{ expr: `sum by (service) (perfect21_active_connections{${own}})`, legend: '{{service}}' }],
        },
      ],
    },
  ]);
};
