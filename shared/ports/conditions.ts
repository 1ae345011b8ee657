/** What a condition may look at. Names and ids; `context` is what the caller of a check says of its own request. */
export interface ConditionFacts {
  subject: { id: string; status: string; roles: readonly string[]; permissions: readonly string[] };
  resource: Readonly<Record<string, unknown>> & { type: string };
  action: { name: string };
  context: Readonly<Record<string, unknown>>;
}

/** Why a condition can't be saved, and where: line and column from 1. */
export interface ConditionFault {
  message: string;
  line: number;
  column: number;
}

export type Condition = (facts: ConditionFacts) => boolean;

/**
 * Conditions in CEL (https://github.com/google/cel-spec) over `subject`, `resource`, `action` and `context`.
 *
 * A condition is bounded: 2,000 characters, 200 nodes, 20 levels, no loop within a loop, no regular expression. Evaluating
 * one throws where CEL says that it is an error: an attribute that is missing, types that don't fit.
 */
export interface Conditions {
  /** Undefined when it may be saved. */
  check(text: string): Promise<ConditionFault | undefined>;
  /** @throws Error for a text that `check` refuses */
  compile(text: string): Promise<Condition>;
}
