/**
 * Event patterns of EventBridge as its open matcher (Ruler) reads them: exact, prefix, suffix, numeric, exists,
 * anything-but, `$or`, and arrays, of whose objects one alone must meet all conditions.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Pattern = { [key: string]: Json };

const isObject = (value: unknown): value is Pattern =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isLeaf = (value: Json | undefined): boolean =>
  value !== undefined && (value === null || typeof value !== 'object');

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const takesLeaf = (matcher: Json, value: Json): boolean => {
  if (!isObject(matcher)) return matcher === value;
  const [[operator, operand]] = Object.entries(matcher) as [[string, Json]];
  switch (operator) {
    case 'exists':
      return operand === true;
    case 'prefix':
      return typeof value === 'string' && value.startsWith(String(operand));
    case 'suffix':
      return typeof value === 'string' && value.endsWith(String(operand));
    case 'anything-but':
      return !(Array.isArray(operand) ? operand : [operand]).some((other) => takesLeaf(other, value));
    case 'numeric': {
      const list = operand as (string | number)[];
      const pairs = list.flatMap((sign, i) => (i % 2 ? [] : [[sign, list[i + 1]] as [string, number]]));
      return typeof value === 'number' && pairs.every(([sign, bound]) => COMPARE[sign]!(value, bound));
    }
    default:
      throw new Error(`the matcher does not know ${operator}`);
  }
};

/** A list of matchers against what stands in a field: of an array any leaf will do. */
const takesField = (matchers: readonly Json[], value: Json | undefined): boolean => {
  const leaves = (Array.isArray(value) ? value : [value]).filter((each) => isLeaf(each)) as Json[];
  return matchers.some((matcher) =>
    isObject(matcher) && matcher.exists === false
      ? leaves.length === 0
      : leaves.some((leaf) => takesLeaf(matcher, leaf)),
  );
};

/** True when the pattern takes the event. @example matchesPattern({ source: ['perfect21.auth'] }, { source: 'perfect21.auth' }) */
export const matchesPattern = (pattern: object, event: unknown): boolean =>
  Object.entries(pattern as Pattern).every(([field, condition]) => {
    if (field === '$or') return (condition as Pattern[]).some((each) => matchesPattern(each, event));
    const value = isObject(event) ? event[field] : undefined;
    if (Array.isArray(condition)) return takesField(condition, value);
    // an empty list leaves nothing that a field could stand in, as no object at all does
    return (Array.isArray(value) && value.length > 0 ? value : [value]).some((each) =>
      matchesPattern(condition as Pattern, each),
    );
  });

const pathsOf = (pattern: Pattern, at = ''): string[] =>
  Object.entries(pattern).flatMap(([field, condition]) => {
    if (field === '$or') return [...new Set((condition as Pattern[]).flatMap((each) => pathsOf(each, at)))];
    return isObject(condition) ? pathsOf(condition, `${at}${field}.`) : [`${at}${field}`];
  });

/** What EventBridge would refuse of a pattern, or silently read in another way; undefined when nothing. */
export const wrongWithPattern = (pattern: object): string | undefined => {
  if (JSON.stringify(pattern).length > 2048) return 'longer than 2048 characters';
  const paths = pathsOf(pattern as Pattern);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice) return `${twice} stands inside and outside $or`;
  const inner = (each: Pattern): string | undefined => {
    for (const [field, condition] of Object.entries(each)) {
      if (field === '$or') {
        if (!Array.isArray(condition) || condition.length < 2) return '$or of fewer than two';
        for (const one of condition) {
          const wrong = inner(one as Pattern);
          if (wrong) return wrong;
        }
      } else if (isObject(condition)) {
        const wrong = Object.keys(condition).length ? inner(condition) : `${field} is empty`;
        if (wrong) return wrong;
      } else if (!Array.isArray(condition) || condition.length === 0) return `${field} is no list`;
    }
    return undefined;
  };
  return inner(pattern as Pattern);
};
