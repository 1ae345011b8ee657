/** What an operator is told of a connection that failed. */
import { expect, test } from 'vitest';
import { explain } from '../../../shared/messaging/rabbitmq/connection.ts';

test.each([
  ['connect ECONNREFUSED 127.0.0.1:24036', 'RabbitMQ is away: '],
  ['connect ECONNREFUSED 10.4.0.6:14060', 'RabbitMQ is away: '],
  ['Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"', 'RabbitMQ refused the login or a right: '],
  ['Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "…"', 'RabbitMQ refused the topology: '],
  ['RabbitMQ stopped', ''],
])('%s is told as what it is', (text, before) => {
  expect(explain(new Error(text))).toBe(before + text);
});
