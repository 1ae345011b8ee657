/** The OpenID AuthZEN Authorization API 1.0 as bindings of the same decisions (https://openid.net/specs/authorization-api-1_0.html). */
import * as z from 'zod';
import type { Answered, HttpBinding } from '../../shared/kit/binding.ts';
import { type AppError, toldOf } from '../../shared/kit/errors.ts';
import { parse } from '../../shared/kit/parse.ts';
import { Evaluation, Evaluations, questionsOf, toQuestion } from './authzen-questions.ts';
import type { Decision } from './decide.ts';

const isOne = ({ evaluations }: Evaluations): boolean => !evaluations?.length;

const toDecision = ({
  allowed,
  reason,
  applied_policies,
}: Pick<Decision, 'allowed' | 'reason' | 'applied_policies'>) => ({
  decision: allowed,
  context: { reason, applied_policies },
});

/** Section 7.2.1: what is no question is denied, and told with its place. */
const denied = (error: AppError) => ({
  decision: false,
  context: {
    error: { status: 400, message: toldOf(error) },
  },
});

const withErrors = (given: Evaluations, results: readonly Decision[]) => {
  const decided = results[Symbol.iterator]();
  return questionsOf(given).map((each) => ('error' in each ? denied(each.error) : toDecision(decided.next().value!)));
};

const Answer = z.object({
  decision: z.boolean(),
  context: z.object({
    reason: z.string().optional(),
    applied_policies: z.array(z.string()).optional(),
    error: z.object({ status: z.int(), message: z.string() }).optional(),
  }),
});

/** Section 10.1.2 knows 400 alone for a body that can't be read. */
const instead = { unsupported_media_type: 'invalid_request' } as const;

const ok = (json: unknown): Answered => ({ status: 200, kind: 'json', json });

export const EVALUATION: HttpBinding = {
  method: 'POST',
  path: '/access/v1/evaluation',
  input: Evaluation,
  instead,
  request: toQuestion,
  answers: [{ status: 200, kind: 'json', schema: Answer, description: 'The decision, and why' }],
  answer: (decision: Decision) => ok(toDecision(decision)),
};

export const EVALUATIONS: HttpBinding = {
  method: 'POST',
  path: '/access/v1/evaluations',
  limit: 1024 * 1024,
  input: Evaluations,
  instead,
  request: (given: Evaluations) => {
    if (isOne(given)) return { checks: [toQuestion(parse(Evaluation, given) as Evaluation)] };
    const asked = questionsOf(given);
    const checks = asked.flatMap((each) => ('question' in each ? [each.question] : []));
    const [first] = asked;
    if (checks.length === 0 && first && 'error' in first) throw first.error;
    return { checks };
  },
  answers: [
    {
      status: 200,
      kind: 'json',
      schema: z.union([z.object({ evaluations: z.array(Answer) }), Answer]),
      description: 'The decisions, in order',
    },
  ],
  answer: ({ results }: { results: readonly Decision[] }, sent) => {
    // read by `input` already, which changes nothing of it
    const given = sent as Evaluations;
    if (isOne(given)) return ok(toDecision(results[0]!));
    const evaluations =
      results.length === given.evaluations!.length ? results.map(toDecision) : withErrors(given, results);
    const semantic = given.options?.evaluations_semantic ?? 'execute_all';
    const last = semantic === 'execute_all' ? -1 : evaluations.findIndex((each) => each.decision === LAST[semantic]);
    return ok({ evaluations: last === -1 ? evaluations : evaluations.slice(0, last + 1) });
  },
};

/** The decision that ends the answers. */
const LAST = { deny_on_first_deny: false, permit_on_first_permit: true } as const;
