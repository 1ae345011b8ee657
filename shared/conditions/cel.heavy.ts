/** The only importer of the CEL library: loaded when the first policy with a condition is read or saved. */
import { Environment, EvaluationError, ParseError, TypeError as TypeFault } from '@marcbachmann/cel-js';
import type { Condition, ConditionFacts, ConditionFault } from '../ports/conditions.ts';

/** A condition says yes or no about one question; what needs more than this is a program. */
const LIMITS = { maxAstNodes: 200, maxDepth: 20, maxListElements: 50, maxMapEntries: 50, maxCallArguments: 8 };
const MOST_CHARACTERS = 2_000;
/** Lists come from the caller and from roles: two loops in each other would multiply them. */
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

const environment = new Environment({ limits: LIMITS, homogeneousAggregateLiterals: false })
  .registerVariable('subject', 'map<string, dyn>')
  .registerVariable('resource', 'map<string, dyn>')
  .registerVariable('action', 'map<string, dyn>')
  .registerVariable('context', 'map<string, dyn>');

interface Node {
  op?: string;
  args?: unknown;
  pos?: number;
}

const childrenOf = (value: unknown): Node[] => {
  if (Array.isArray(value)) return value.flatMap(childrenOf);
  return typeof value === 'object' && value !== null && 'op' in value ? [value as Node] : [];
};

/** What the library would do, and a policy may not: the name of it, and where. */
const refused = (node: Node, inLoop: boolean): { name: string; at: number } | undefined => {
  const called = (node.op === 'rcall' || node.op === 'call') && Array.isArray(node.args) ? String(node.args[0]) : '';
  // a regular expression of JavaScript can run for ever
  if (called === 'matches') return { name: 'matches', at: node.pos ?? 0 };
  const loop = LOOPS.has(called);
  if (loop && inLoop) return { name: `${called} within another loop`, at: node.pos ?? 0 };
  for (const child of childrenOf(node.args)) {
    const found = refused(child, inLoop || loop);
    if (found) return found;
  }
  return undefined;
};

const placed = (text: string, at: number, message: string): ConditionFault => {
  const before = text.slice(0, at).split('\n');
  return { message, line: before.length, column: before.at(-1)!.length + 1 };
};

const positionOf = (thrown: unknown): number => {
  const { node } = thrown as { node?: { pos?: number } };
  return node?.pos ?? 0;
};

const firstLine = (thrown: unknown): string =>
  String((thrown as Error).message)
    .split('\n')[0]!
    .trim();

export const checkCel = (text: string): ConditionFault | undefined => {
  if (text.length > MOST_CHARACTERS) return placed(text, 0, `A condition has at most ${MOST_CHARACTERS} characters`);
  try {
    const parsed = environment.parse(text);
    const found = refused(parsed.ast as Node, false);
    if (found) return placed(text, found.at, `${found.name} is not offered here`);
    const { valid, type, error } = parsed.check();
    if (!valid) return placed(text, positionOf(error), firstLine(error));
    if (type !== 'bool' && type !== 'dyn') return placed(text, 0, `A condition says true or false, this is ${type}`);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ParseError || thrown instanceof TypeFault || thrown instanceof EvaluationError) {
      return placed(text, positionOf(thrown), firstLine(thrown));
    }
    throw thrown;
  }
};

/** Whole numbers are CEL's `int`, which JavaScript has as bigint. */
const toCel = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([name, each]) => [name, toCel(each)]));
  }
  return value;
};

/** What was converted last: several conditions are asked about the same facts, one after the other. */
const converting = () => {
  let last: { of: unknown; made: unknown } | undefined;
  return (value: unknown): unknown => {
    if (last?.of !== value) last = { of: value, made: toCel(value) };
    return last!.made;
  };
};
const [subjectOf, resourceOf, contextOf] = [converting(), converting(), converting()];

export const compileCel = (text: string): Condition => {
  const fault = checkCel(text);
  if (fault) throw new Error(`${fault.message} (line ${fault.line}, column ${fault.column})`);
  const parsed = environment.parse(text);
  return (facts: ConditionFacts) => {
    const { subject, resource, action, context } = facts;
    const asked = { subject: subjectOf(subject), resource: resourceOf(resource), context: contextOf(context) };
    const result = parsed({ ...asked, action: toCel(action) });
    if (typeof result !== 'boolean') throw new Error('the condition says neither true nor false');
    return result;
  };
};
