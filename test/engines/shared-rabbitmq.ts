/** A virtual host that nobody else has, on the RabbitMQ that test files share. */
import { inject } from 'vitest';

/**
 * Gives its URL; the first to ask waits for the broker.
 *
 * @throws Error with one line that says what is missing
 * @example const url = await sharedRabbitmq(); const broker = openRabbit({ url, queue_type: 'classic' }, …);
 */
export const sharedRabbitmq = async (): Promise<string> => {
  const answer = await fetch(inject('engines'));
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
};
