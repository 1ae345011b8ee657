import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBinding, isRoutingKey, match, words } from '../../shared/messaging/topic.ts';

/** RabbitMQ's meaning, stated as it is recursively defined and checked against a broker: slow, but plainly right. */
const reference = (pattern: string[], key: string[]): boolean => {
  const [first, ...rest] = pattern;
  if (first === undefined) return key.length === 0;
  if (first === '#')
    return Array.from({ length: key.length + 1 }, (_, skip) => skip).some((skip) => reference(rest, key.slice(skip)));
  return key.length > 0 && (first === '*' || first === key[0]) && reference(rest, key.slice(1));
};

const word = fc.constantFrom('a', 'b', '', 'A', '*', '#', 'a*');
const dotted = fc.array(word, { maxLength: 6 }).map((list) => list.join('.'));

describe('topic patterns', () => {
  it.each([
    ['user.events.*', 'user.events.login', true],
    ['user.events.*', 'user.events', false],
    ['user.events.*', 'user.events.login.failed', false],
    ['notification.*.*', 'notification.email.send', true],
    ['#', '', true],
    ['*', '', false],
    ['a.#', 'a', true],
    ['#.#', '', true],
    ['#.*', '', false],
    ['*.#', 'a', true],
    ['log*', 'logs', false],
    ['user.#.login', 'user.login', true],
    ['user.#.login', 'user.a.b.login', true],
    ['#.a.#.b.#', 'x.a.y.b.z', true],
    ['#.a.#.b.#', 'x.b.y.a.z', false],
    ['', '', true],
    ['', 'a', false],
    ['a.', 'a', false],
    ['a.*', 'a.', true],
    ['User.events', 'user.events', false],
  ])('%j takes %j: %s, as RabbitMQ does', (binding, key, expected) => {
    expect(match(binding, key)).toBe(expected);
  });

  it('match as RabbitMQ does for every pair of up to three words', () => {
    const some = (alphabet: string[], length: number): string[] =>
      length === 0
        ? ['']
        : some(alphabet, length - 1).flatMap((head) => alphabet.map((w) => (head === '' ? w : `${head}.${w}`)));
    const upTo = (alphabet: string[]): string[] => ['', ...[1, 2, 3].flatMap((length) => some(alphabet, length))];
    const wrong: string[] = [];
    for (const binding of upTo(['a', 'b', '*', '#'])) {
      for (const key of upTo(['a', 'b', 'c'])) {
        if (match(binding, key) !== reference(words(binding), words(key))) wrong.push(`${binding} ${key}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('match as RabbitMQ does for strange words too', () => {
    fc.assert(
      fc.property(dotted, dotted, (binding, key) => match(binding, key) === reference(words(binding), words(key))),
      {
        numRuns: 5000,
      },
    );
  });

  it('are never slow, whatever the pattern', () => {
    const started = performance.now();
    expect(match(`${'#.a.'.repeat(60)}b`, Array(400).fill('a').join('.'))).toBe(false);
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('are of 1 to 8 plain words, and keys have no wildcards', () => {
    for (const key of ['a', 'user.events.login', 'a.b.c.d.e.f.g.h', 'A_-9']) expect(isRoutingKey(key)).toBe(true);
    for (const key of ['', 'a.', '.a', 'a..b', 'a.*', '#', 'a.b.c.d.e.f.g.h.i', 'a b', 'ü', 'a:b', 'x'.repeat(33)]) {
      expect(isRoutingKey(key)).toBe(false);
    }
    for (const binding of ['#', '*', 'user.events.*', '#.alert', '*.#']) expect(isBinding(binding)).toBe(true);
    for (const binding of ['', 'a.', 'log*', '**', 'a b']) expect(isBinding(binding)).toBe(false);
  });
});
