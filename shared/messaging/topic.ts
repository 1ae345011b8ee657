/**
 * Topic patterns with RabbitMQ's meaning (topic exchange): `*` is exactly one word, `#` any number of words, none
 * included, and only a whole word is a wildcard. Compared byte for byte.
 *
 * Source: https://www.rabbitmq.com/tutorials/tutorial-five-javascript and `split_topic_key` of RabbitMQ's server.
 */

const WORD = '[A-Za-z0-9_-]{1,32}';
const KEY = new RegExp(`^${WORD}(?:\\.${WORD}){0,7}$`);
const BINDING = new RegExp(`^(?:${WORD}|[*#])(?:\\.(?:${WORD}|[*#])){0,7}$`);

/** True for a routing key that every bus can carry: 1 to 8 words of `[A-Za-z0-9_-]{1,32}`, 255 characters in all (AMQP). */
export const isRoutingKey = (key: string): boolean => key.length <= 255 && KEY.test(key);

/** True for a binding that every bus can compile: the same words, or the wildcards `*` and `#`. */
export const isBinding = (binding: string): boolean => binding.length <= 255 && BINDING.test(binding);

/** The empty string has no words; otherwise empty words count. @example words('a.') // ['a', ''] */
export const words = (text: string): string[] => (text === '' ? [] : text.split('.'));

/**
 * Says whether a binding takes an event with this routing key. Any strings may be asked, as with RabbitMQ.
 *
 * Linear with one step back to the last `#`, so that no pattern is slow.
 *
 * @example match('user.events.*', 'user.events.login') // true
 */
export const match = (binding: string, key: string): boolean => {
  const pattern = words(binding);
  const text = words(key);
  let p = 0;
  let t = 0;
  let hash = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '#') {
      hash = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === '*' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (hash >= 0) {
      p = hash + 1;
      t = ++resume;
    } else return false;
  }
  while (pattern[p] === '#') p++;
  return p === pattern.length;
};
