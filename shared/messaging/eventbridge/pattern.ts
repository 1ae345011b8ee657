/**
 * Bindings of a queue as one event pattern of EventBridge that takes exactly the same routing keys.
 *
 * It asks about `detail.routing` (see routing.ts) with the operators exact, numeric and exists, never with `wildcard`,
 * of which a bus allows thirty rules only and which can't say "one word". Words between two `#` are found in `at`, where
 * all conditions must hold of one element: EventBridge's rule for arrays of objects. Of several such places all but the
 * last are tried at each position that a key of eight words has.
 *
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
import { isBinding, words } from '../topic.ts';

export { URGENT } from './routing.ts';

type Matcher = string | number | boolean | { exists: boolean } | { numeric: ['>=', number] };
export interface Conditions {
  [field: string]: readonly Matcher[] | Conditions;
}
export interface RoutingPattern {
  detail: { routing: Conditions | { $or: readonly Conditions[]; urgent?: readonly Matcher[] } };
}

/** Which events of a binding a rule takes: the urgent ones, which say so, or all others. */
const BY_URGENCY: Record<'urgent' | 'other', readonly Matcher[]> = { urgent: [true], other: [{ exists: false }] };

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

/** The alternatives of one binding; one, unless two runs or more float. */
const alternatives = ({ runs, gaps }: Shape): Conditions[] => {
  const [first, ...rest] = runs as [string[], ...string[][]];
  const last = rest.pop();
  if (!last) return [{ n: [first.length], ...literals('w', first) }];
  const end = literals('e', last.toReversed());

  const place = (fixed: Conditions, used: number, floating: readonly string[][], left: readonly number[]) => {
    const found: Conditions[] = [];
    const [run, ...further] = floating;
    const from = used + left[0]!;
    if (!run) {
      const least = from + last.length;
      const all = { ...fixed, ...end };
      if (least === 0) found.push({ n: [{ exists: true }] });
      else found.push(implied(all) >= least ? all : { ...all, n: atLeast(least) });
    } else if (further.length === 0) {
      const at: Conditions = literals('w', run);
      const least = run.length + left[1]! + last.length;
      if (least > implied(at)) at.r = atLeast(least);
      if (from > 0) at.i = atLeast(from);
      found.push({ ...fixed, ...end, at });
    } else {
      const behind = [...further.flat(), ...last].length + left.slice(1).reduce((sum, gap) => sum + gap, 0);
      for (let i = from; i + run.length + behind <= LONGEST; i++) {
        found.push(...place({ ...fixed, ...literals('w', run, i) }, i + run.length, further, left.slice(1)));
      }
    }
    return found;
  };
  return place(literals('w', first), first.length, rest, gaps);
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
  const found = (everything ? [everything] : bindings).flatMap((binding) => alternatives(shapeOf(binding)));
  const each = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
  // EventBridge refuses an `$or` of one
  const urgent = part && { urgent: BY_URGENCY[part] };
  const pattern = { detail: { routing: { ...(each.length === 1 ? each[0]! : { $or: each }), ...urgent } } };
  const { length } = JSON.stringify(pattern);
  if (length <= MAX_PATTERN) return pattern;
  throw new RangeError(
    `${bindings.join(', ')} need ${length} characters as a pattern, and EventBridge takes ${MAX_PATTERN}`,
  );
};
