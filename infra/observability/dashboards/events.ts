/** From the commit to the consumer, and to open tabs. */
import { dashboard, type Row } from '../panels.ts';
import { p, quantiles, rate } from './queries.ts';

const QUEUES: Row = {
  title: 'Queues',
  charts: [
    {
      title: 'Waiting',
      description: 'Messages by queue; the outbox holds what is not published yet.',
      unit: 'short',
      lines: [{ expr: 'max by (queue) (perfect21_queue_depth)', legend: '{{queue}}' }],
    },
    {
      title: 'Oldest',
      description: 'Age of the oldest message.',
      unit: 's',
      bound: 60,
      lines: [{ expr: 'max by (queue) (perfect21_queue_oldest_age_seconds)', legend: '{{queue}}' }],
    },
    {
      title: 'Handled',
      description: 'By what became of it.',
      unit: 'reqps',
      lines: [{ expr: rate('perfect21_queue_messages_total', 'queue, result'), legend: '{{queue}} {{result}}' }],
    },
  ],
};

export const events = dashboard('events', 'events and dead letters', 'From the commit to the consumer.', [
  QUEUES,
  {
    title: 'Times',
    charts: [
      {
        title: 'Age when handled',
        description: 'Since the commit; p99 below 1 s is promised.',
        unit: 's',
        bound: 1,
        lines: quantiles('perfect21_event_age_seconds'),
      },
      {
        title: 'Handling',
        description: 'Of a consumer, by queue.',
        unit: 's',
        lines: [{ expr: p(0.99, 'perfect21_event_handling_seconds', 'queue'), legend: '{{queue}}' }],
      },
      {
        title: 'Publishing',
        description: 'Of a batch of outbox rows, confirms included.',
        unit: 's',
        lines: quantiles('perfect21_event_publish_seconds'),
      },
    ],
  },
  {
    title: 'Bus',
    charts: [
      {
        title: 'Connected',
        description: '1: the link is up. Nothing where the bus is embedded.',
        unit: 'short',
        lines: [{ expr: 'min by (link) (perfect21_bus_connected)', legend: '{{link}}' }],
      },
      {
        title: 'Outbox',
        description: 'Rows by what became of them.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_outbox_messages_total', 'result'), legend: '{{result}}' }],
      },
      {
        title: 'Broadcasts',
        description: 'Events that every process hears.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_broadcasts_total', 'operation, result'), legend: '{{operation}} {{result}}' }],
      },
      {
        title: 'Listeners',
        description: 'Open tabs of the instances together, and frames told to them.',
        unit: 'short',
        lines: [
          { expr: 'sum(perfect21_realtime_channels)', legend: 'open' },
          { expr: 'sum(rate(perfect21_realtime_frames_total[5m]))', legend: 'frames a second' },
        ],
      },
    ],
  },
]);
