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
  ],
};

export const CONNECTIONS: Chart = {
  title: 'Connections',
  description: 'Open now, by the service that each asked last.',
  unit: 'short',
  lines: [{ expr: 'sum by (service) (perfect21_active_connections)', legend: '{{service}}' }],
};
