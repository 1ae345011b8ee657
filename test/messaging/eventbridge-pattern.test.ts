import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import { routingOf } from '../../shared/messaging/eventbridge/routing.ts';
import { match } from '../../shared/messaging/topic.ts';
import { matchesPattern, wrongWithPattern } from '../support/eventbridge-matcher.ts';

const texts = (alphabet: readonly string[], from: number, to: number): string[] => {
  const of = (length: number): string[][] =>
    length === 0 ? [[]] : of(length - 1).flatMap((head) => alphabet.map((word) => [...head, word]));
  return Array.from({ length: to - from + 1 }, (_, i) => of(from + i))
    .flat()
    .map((list) => list.join('.'));
};
const event = (key: string) => ({ detail: { routing: routingOf(key) } });
const routing = (...bindings: string[]) => compileBindings(bindings).detail.routing;

describe('a binding as an event pattern', () => {
  it.each([
    ['user.events.login', { n: [3], w0: ['user'], w1: ['events'], w2: ['login'] }],
    ['user.events.*', { n: [3], w0: ['user'], w1: ['events'] }],
    ['notification.*.*', { n: [3], w0: ['notification'] }],
    ['*.alert', { n: [2], w1: ['alert'] }],
    ['#', { n: [{ exists: true }] }],
    ['#.#', { n: [{ exists: true }] }],
    ['*.#', { n: [{ numeric: ['>=', 1] }] }],
    ['user.#', { w0: ['user'] }],
    ['user.*.#', { w0: ['user'], n: [{ numeric: ['>=', 2] }] }],
    ['user.#.*', { w0: ['user'], n: [{ numeric: ['>=', 2] }] }],
    ['#.alert', { e0: ['alert'] }],
    ['user.#.login', { w0: ['user'], e0: ['login'], n: [{ numeric: ['>=', 2] }] }],
    ['a.*.b.#.c.*', { w0: ['a'], w2: ['b'], e1: ['c'], n: [{ numeric: ['>=', 5] }] }],
    ['#.events.#', { at: { w0: ['events'] } }],
    ['#.a.*.b.#', { at: { w0: ['a'], w2: ['b'] } }],
    [
      'user.#.mfa.#.failed',
      { w0: ['user'], e0: ['failed'], at: { w0: ['mfa'], i: [{ numeric: ['>=', 1] }], r: [{ numeric: ['>=', 2] }] } },
    ],
  ])('%s is written without wildcards', (binding, expected) => {
    expect(routing(binding)).toEqual(expected);
  });

  it('takes the same keys as RabbitMQ does, for every binding and every key of up to five words', () => {
    const events = texts(['a', 'b', 'c'], 1, 5).map((key) => [key, event(key)] as const);
    const bindings = texts(['a', 'b', '*', '#'], 1, 5);
    const wrong: string[] = [];
    for (const binding of bindings) {
      const pattern = compileBindings([binding]);
      const invalid = wrongWithPattern(pattern);
      if (invalid) wrong.push(`${binding}: ${invalid}`);
      for (const [key, each] of events) {
        if (matchesPattern(pattern, each) !== match(binding, key)) wrong.push(`${binding} ${key}`);
      }
    }
    expect([bindings.length, events.length]).toEqual([1364, 363]);
    expect(wrong).toEqual([]);
  });

  it('takes the same keys of up to eight words where several runs of words float', () => {
    const events = texts(['a', 'b'], 1, 8).map((key) => [key, event(key)] as const);
    const wrong: string[] = [];
    for (const binding of [
      '#.a.#.b.#',
      '#.a.#.a.#',
      '#.b.*.a.#.b.#',
      'a.#.b.#.a.#',
      '*.#.a.#.b.#.a',
      '#.a.#.b.#.a.#',
    ]) {
      const pattern = compileBindings([binding]);
      expect(wrongWithPattern(pattern)).toBeUndefined();
      for (const [key, each] of events) {
        if (matchesPattern(pattern, each) !== match(binding, key)) wrong.push(`${binding} ${key}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  const word = fc.oneof(fc.constantFrom('a', 'b', 'A', '0', '-', '_'), fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/));
  const dotted = (each: fc.Arbitrary<string>) =>
    fc.array(each, { minLength: 1, maxLength: 8 }).map((list) => list.join('.'));
  const key = dotted(word);
  const binding = dotted(fc.oneof({ weight: 2, arbitrary: fc.constantFrom('*', '#') }, { weight: 3, arbitrary: word }));
  /** A key that the binding takes or nearly takes: its wildcards filled with words. */
  const near = (of: string) =>
    fc
      .array(fc.array(word, { maxLength: 3 }), { minLength: 8, maxLength: 8 })
      .map((fill) =>
        of
          .split('.')
          .flatMap((each, i) => (each === '#' ? fill[i]! : each === '*' ? fill[i]!.slice(0, 1) : [each]))
          .slice(0, 8)
          .join('.'),
      )
      .filter((made) => made !== '');

  it('takes the same keys for sets of any bindings of up to eight words', () => {
    const sets = fc
      .array(binding, { minLength: 1, maxLength: 4 })
      .chain((set) => fc.tuple(fc.constant(set), fc.oneof(key, ...set.map((each) => near(each)))));
    let compiled = 0;
    fc.assert(
      fc.property(sets, ([set, text]) => {
        let pattern: object;
        try {
          pattern = compileBindings(set);
        } catch (error) {
          return (error as Error).message.endsWith('EventBridge takes 2048');
        }
        compiled++;
        return (
          wrongWithPattern(pattern) === undefined &&
          matchesPattern(pattern, event(text)) === set.some((each) => match(each, text))
        );
      }),
      { numRuns: 5000 },
    );
    expect(compiled).toBeGreaterThan(4500);
  });

  it('is one pattern for all bindings of a queue, each way of matching named once', () => {
    expect(routing('user.events.*', 'user.events.*')).toEqual({ n: [3], w0: ['user'], w1: ['events'] });
    expect(routing('user.#', '#', 'a.b')).toEqual({ n: [{ exists: true }] });
    expect(routing('user.events.*', '#.alert')).toEqual({
      $or: [{ n: [3], w0: ['user'], w1: ['events'] }, { e0: ['alert'] }],
    });
  });

  it('holds a hundred bindings of different services, or of different words in one place', () => {
    for (const form of ['service%.events.*', '*.events.service%', '#.service%.#', 'a.#.service%']) {
      const set = Array.from({ length: 100 }, (_, i) => form.replace('%', String(i)));
      const pattern = compileBindings(set);
      expect(wrongWithPattern(pattern)).toBeUndefined();
      for (const i of [0, 42, 99, 100]) {
        const key = form.replace('%', String(i)).replaceAll('#', 'x').replaceAll('*', 'y');
        expect([key, matchesPattern(pattern, event(key))]).toEqual([key, set.some((each) => match(each, key))]);
      }
    }
  });

  it('fits, of whatever shape it is, also with the longest words', () => {
    const literals = Array.from({ length: 8 }, (_, i) => String.fromCharCode(97 + i).repeat(32));
    const shapes = texts(['w', '*', '#'], 1, 8).map((shape) => {
      let next = 0;
      return shape.replaceAll('w', () => literals[next++]!);
    });
    const refused = shapes.filter((binding) => {
      try {
        // what is longer than a routing key may be is no binding
        return binding.length <= 255 && !compileBindings([binding]);
      } catch {
        return true;
      }
    });
    expect([shapes.length, refused]).toEqual([9840, []]);
  });

  it('is refused when it would be too long, names no binding, or what it names is none', () => {
    const many = Array.from({ length: 60 }, (_, i) => `service${i}.events.event${i}`);
    expect(() => compileBindings(many)).toThrow('EventBridge takes 2048');
    expect(() => compileBindings([])).toThrow('needs a binding');
    for (const binding of ['', 'a.', 'log*', 'a:b', '10.0.0.1/8', 'a.b.c.d.e.f.g.h.i']) {
      expect(() => compileBindings([binding])).toThrow('no binding');
    }
  });
});

describe('a routing key as fields', () => {
  it('counts its words and gives them from the front, from the back and from every place', () => {
    expect(routingOf('user.events.login')).toEqual({
      key: 'user.events.login',
      n: 3,
      w0: 'user',
      w1: 'events',
      w2: 'login',
      e0: 'login',
      e1: 'events',
      e2: 'user',
      at: [
        { i: 0, r: 3, w0: 'user', w1: 'events', w2: 'login' },
        { i: 1, r: 2, w0: 'events', w1: 'login' },
        { i: 2, r: 1, w0: 'login' },
      ],
    });
  });

  it('is refused when it is none', () => {
    for (const key of ['', 'a..b', 'a.*', '#', '::1', 'a.b.c.d.e.f.g.h.i', 'x'.repeat(33)]) {
      expect(() => routingOf(key)).toThrow('no routing key');
    }
  });
});
