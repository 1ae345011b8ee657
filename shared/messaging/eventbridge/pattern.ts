/**
 * Bindings of a queue as one event pattern of EventBridge that takes exactly the same routing keys.
 *
 * It asks about `detail.routing` (see routing.ts) with the operators exact, numeric and exists, never with `wildcard`,
 * of which a bus allows thirty rules only and which can't say "one word". Words between two `#` are found in `at`, where
 * all conditions must hold of one element: EventBridge's rule for arrays of objects. Of several such places all but the
 * last are tried at each position that a key of eight words has, each inside of the one behind it.
 *
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
import { isBinding, words } from '../topic.ts';

export { URGENT } from './routing.ts';

type Matcher = string | number | boolean | { exists: boolean } | { numeric: ['>=', number] };
export interface Conditions {
  [field: string]: readonly Matcher[] | Conditions | readonly Conditions[];
}
export interface RoutingPattern {
  detail: { routing: Conditions };
}

/** Which events of a binding a rule takes: the urgent ones, which say so, or all others. */
const BY_URGENCY: Record<'urgent' | 'other', readonly Matcher[]> = {
  urgent: [true],
  other: [{ exists: false }, false],
};

/** Any text, and any number: bounds of EventBridge. */
const TEXT = { prefix: '' } as const;
const NUMBER: Matcher = { numeric: ['>=', -5e9] };

/**
 * Events of ours (they have a message type) whose routing says nothing that other patterns could ask about: no number of
 * words, as where there is no routing at all, one that is none, or an urgency that is neither true nor false. Without a rule
 * for them they would vanish. It asks about the number, a leaf, because `exists` finds no object.
 */
export const MALFORMED = {
  detail: {
    message_type: [{ exists: true }],
    routing: {
      $or: [
        { n: [{ exists: false }, null, true, false, TEXT, { numeric: ['<', 1] }, { numeric: ['>', 8] }] },
        { urgent: [null, TEXT, NUMBER] },
      ],
    },
  },
};

/** Characters of a pattern that a rule takes, counted in its JSON. */
export const MAX_PATTERN = 2048;
/** Words of the longest routing key. */
const LONGEST = 8;

/** Runs of words of fixed length, and between each two a gap: the least number of words that lie there. */
interface Shape {
  runs: string[][];
  gaps: number[];
}

const shapeOf = (binding: string): Shape => {
  const shape: Shape = { runs: [[]], gaps: [] };
  let stars = 0;
  let open = false;
  const close = (): void => {
    // a `*` beside a `#` only raises the number of words that the gap has
    if (open) {
      shape.gaps.push(stars);
      shape.runs.push([]);
    } else shape.runs.at(-1)!.push(...Array<string>(stars).fill('*'));
    stars = 0;
    open = false;
  };
  for (const word of words(binding)) {
    if (word === '*') stars++;
    else if (word === '#') open = true;
    else {
      close();
      shape.runs.at(-1)!.push(word);
    }
  }
  close();
  return shape;
};

const atLeast = (least: number): Matcher[] => [{ numeric: ['>=', least] }];

/** The words of a run as conditions, the first of them at place `from`. */
const literals = (letter: 'w' | 'e', run: readonly string[], from = 0): Record<string, Matcher[]> =>
  Object.fromEntries(
    run.flatMap((word, place) => (word === '*' ? [] : [[`${letter}${from + place}`, [word]] as [string, Matcher[]]])),
  );

/** How many words a key has at least for these conditions to hold. */
const implied = (conditions: object): number =>
  Math.max(0, ...Object.keys(conditions).map((name) => (/^[we]\d$/.test(name) ? Number(name[1]) + 1 : 0)));

/** Any of them. EventBridge refuses an `$or` of one. */
const anyOf = (list: readonly Conditions[]): Conditions => (list.length === 1 ? list[0]! : { $or: list });

/** The conditions of one binding. Of several runs that float the last is found in `at`, the others at each place. */
const conditionsOf = ({ runs, gaps }: Shape): Conditions => {
  const [first, ...floating] = runs as [string[], ...string[][]];
  const last = floating.pop();
  if (!last) return { n: [first.length], ...literals('w', first) };
  const ends: Conditions = { ...literals('w', first), ...literals('e', last.toReversed()) };
  const run = floating.pop();
  if (!run) {
    const least = first.length + gaps[0]! + last.length;
    if (least === 0) return { n: [{ exists: true }] };
    return implied(ends) >= least ? ends : { ...ends, n: atLeast(least) };
  }
  const behind = run.length + gaps.at(-1)! + last.length;
  /** What `at` says of a run that begins at `from` at the earliest. */
  const lastFrom = (from: number): Conditions => {
    const at: Conditions = literals('w', run);
    if (behind > implied(at)) at.r = atLeast(behind);
    if (from > 0) at.i = atLeast(from);
    return { at };
  };
  /** The runs up to number `k`, the last of which ends, with its gap, before `limit`. Inside of what is behind them. */
  const upTo = (k: number, limit: number, also: (end: number) => Conditions): Conditions[] => {
    const own = floating[k]!;
    const before = [first, ...floating.slice(0, k)].flat().length;
    const from = before + gaps.slice(0, k + 1).reduce((sum, gap) => sum + gap, 0);
    const found: Conditions[] = [];
    for (let i = from; i + own.length + gaps[k + 1]! <= limit; i++) {
      const inner = k > 0 ? anyOf(upTo(k - 1, i, () => ({}))) : {};
      found.push({ ...literals('w', own, i), ...also(i + own.length + gaps[k + 1]!), ...inner });
    }
    return found;
  };
  if (floating.length === 0) return { ...ends, ...lastFrom(first.length + gaps[0]!) };
  return { ...ends, ...anyOf(upTo(floating.length - 1, LONGEST - behind, lastFrom)) };
};

/** The fields of conditions without an `$or`, those of `at` by their path. */
const fieldsOf = (conditions: Conditions): Record<string, readonly Matcher[]> =>
  Object.fromEntries(
    Object.entries(conditions).flatMap(([name, value]) =>
      Array.isArray(value)
        ? [[name, value as Matcher[]]]
        : Object.entries(value).map(([inner, matchers]) => [`${name}.${inner}`, matchers as Matcher[]]),
    ),
  );
const fromFields = (fields: Record<string, readonly Matcher[]>): Conditions => {
  const at = Object.entries(fields).filter(([path]) => path.startsWith('at.'));
  const own = Object.entries(fields).filter(([path]) => !path.startsWith('at.'));
  const inner = Object.fromEntries(at.map(([path, matchers]) => [path.slice('at.'.length), matchers]));
  return { ...Object.fromEntries(own), ...(at.length > 0 && { at: inner }) } as Conditions;
};

/** Makes one of those that differ in one field only, which then lists what any of them takes: the same events, shorter. */
const merged = (all: readonly Conditions[]): Conditions[] => {
  const nested = all.filter((conditions) => '$or' in conditions);
  let flat = all.filter((conditions) => !('$or' in conditions)).map(fieldsOf);
  for (const field of [...new Set(flat.flatMap(Object.keys))]) {
    const groups = Map.groupBy(flat, ({ [field]: own, ...rest }) => JSON.stringify([own !== undefined, rest]));
    flat = [...groups.values()].map((group) => {
      const [one] = group;
      if (group.length === 1 || one![field] === undefined) return one!;
      const values = new Map(group.flatMap((each) => each[field]!).map((value) => [JSON.stringify(value), value]));
      return { ...one!, [field]: [...values.values()] };
    });
  }
  return [...flat.map(fromFields), ...nested];
};

/**
 * One pattern for all bindings of a queue, so that one rule brings each event once.
 *
 * @throws RangeError for no bindings, for what is no binding (see isBinding), and when the pattern exceeds MAX_PATTERN:
 * then the queue needs fewer bindings
 * @param part only those events of the bindings: together both parts take each event once
 * @example compileBindings(['user.events.*']) // { detail: { routing: { n: [3], w0: ['user'], w1: ['events'] } } }
 */
export const compileBindings = (bindings: readonly string[], part?: 'urgent' | 'other'): RoutingPattern => {
  if (bindings.length === 0) throw new RangeError('a pattern needs a binding');
  for (const binding of bindings) {
    if (!isBinding(binding)) throw new RangeError(`no binding: ${JSON.stringify(binding.slice(0, 300))}`);
  }
  // beside one that takes everything the others say nothing
  const everything = bindings.find((binding) => /^#(\.#)*$/.test(binding));
  const found = (everything ? [everything] : bindings).map((binding) => conditionsOf(shapeOf(binding)));
  const each = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
  const urgent = part && { urgent: BY_URGENCY[part] };
  const pattern = { detail: { routing: { ...anyOf(merged(each)), ...urgent } } };
  const { length } = JSON.stringify(pattern);
  if (length <= MAX_PATTERN) return pattern;
  throw new RangeError(
    `${bindings.join(', ')} need ${length} characters as a pattern, and EventBridge takes ${MAX_PATTERN}`,
  );
};
