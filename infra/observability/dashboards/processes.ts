/** What every process has. */
import type { Chart, Row } from '../panels.ts';

export const PROCESS: Row = {
  title: 'Processes',
  charts: [
    {
      title: 'Processor',
      description: 'Cores in use.',
      unit: 'short',
      lines: [{ expr: 'rate(process_cpu_seconds_total[5m])', legend: '{{instance}}' }],
    },
    {
      title: 'Memory',
      description: 'Resident.',
      unit: 'bytes',
      lines: [{ expr: 'process_resident_memory_bytes', legend: '{{instance}}' }],
    },
    {
      title: 'Event loop',
      description: 'p99 of how late it is.',
      unit: 's',
      bound: 0.1,
      lines: [{ expr: 'nodejs_eventloop_lag_p99_seconds', legend: '{{instance}}' }],
    },
    {
      title: 'Passwords that wait',
      description: 'To be hashed or checked; past 256 they are refused.',
      unit: 'short',
      bound: 256,
      lines: [{ expr: 'perfect21_hashing_waiting', legend: '{{instance}}' }],
    },
    {
      title: 'Open breakers',
      description: 'Instances that are passed over, by service.',
      unit: 'short',
      lines: [{ expr: 'sum by (service) (perfect21_breakers_open)', legend: '{{service}}' }],
    },
  ],
};

export const CONNECTIONS: Chart = {
  title: 'Connections',
  description: 'Open now, by the service that each asked last.',
  unit: 'short',
  lines: [{ expr: 'sum by (service) (perfect21_active_connections)', legend: '{{service}}' }],
};
