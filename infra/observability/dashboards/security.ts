/** Who tries what, and what is refused. */
import { dashboard } from '../panels.ts';
import { rate } from './queries.ts';

export const security = dashboard('security', 'security', 'Who tries what, and what is refused.', [
  {
    title: 'Accounts',
    charts: [
      {
        title: 'Logins',
        description: 'By result.',
        unit: 'reqps',
        lines: [
          { expr: rate('perfect21_auth_events_total', 'event_type, result'), legend: '{{event_type}} {{result}}' },
        ],
      },
      {
        title: 'Tokens',
        description: 'Validated, by result.',
        unit: 'reqps',
        lines: [
          { expr: rate('perfect21_token_operations_total', 'operation, result'), legend: '{{operation}} {{result}}' },
        ],
      },
      {
        title: 'Sessions',
        description: 'Begun and ended.',
        unit: 'reqps',
        lines: [
          { expr: rate('perfect21_session_operations_total', 'operation, result'), legend: '{{operation}} {{result}}' },
        ],
      },
    ],
  },
  {
    title: 'Refusals',
    charts: [
      {
        title: 'Permissions',
        description: 'Checks by result.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_permission_checks_total', 'result'), legend: '{{result}}' }],
      },
      {
        title: 'Refused requests',
        description: '401, 403 and 429.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_requests_total', 'status', 'status=~"401|403|429"'), legend: '{{status}}' }],
      },
      {
        title: 'Refused messages',
        description: 'By providers, for good.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_messages_refused_total', 'channel'), legend: '{{channel}}' }],
      },
      {
        title: 'Closed WebSockets',
        description: '4401 ended with the session, 4403 ticket refused, 4429 flood, 1013 too slow or too many.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_websockets_closed_total', 'code'), legend: '{{code}}' }],
      },
    ],
  },
]);
