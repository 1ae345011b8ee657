/** Verdicts beside the services. */
import { dashboard } from '../panels.ts';
import { PROCESS } from './processes.ts';
import { p, rate } from './queries.ts';

const SIDECAR = 'endpoint=~"/envoy.*|/verify|.*ValidateToken|.*CheckPermission"';
export const sidecar = dashboard('sidecar', 'sidecar', 'Verdicts beside the services.', [
  {
    title: 'Verdicts',
    charts: [
      {
        title: 'Rate',
        description: 'By door.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_requests_total', 'endpoint', SIDECAR), legend: '{{endpoint}}' }],
      },
      {
        title: 'Time',
        description: 'p99 by door.',
        unit: 's',
        bound: 0.01,
        lines: [{ expr: p(0.99, 'perfect21_request_duration_seconds', 'endpoint', SIDECAR), legend: '{{endpoint}}' }],
      },
      {
        title: 'Staleness',
        description: 'Age of what is known of revocations; past 2 s nothing is called valid.',
        unit: 's',
        bound: 2,
        lines: [{ expr: 'max by (instance) (perfect21_revocation_staleness_seconds)', legend: '{{instance}}' }],
      },
      {
        title: 'Revocations',
        description: 'Live ones that are held.',
        unit: 'short',
        lines: [{ expr: 'max by (instance) (perfect21_revocations_live)', legend: '{{instance}}' }],
      },
    ],
  },
  PROCESS,
]);
