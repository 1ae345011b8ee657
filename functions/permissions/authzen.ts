/** The OpenID AuthZEN Authorization API 1.0 as bindings of the same decisions (https://openid.net/specs/authorization-api-1_0.html). */
import * as z from 'zod';
import type { Answered, HttpBinding } from '../../shared/kit/binding.ts';
import type { Decision } from './decide.ts';

const Properties = z.record(z.string().max(64), z.unknown()).optional();
const Subject = z.looseObject({
  type: z.string().min(1).max(64),
  id: z.string().min(1).max(128),
  properties: Properties,
});
const Action = z.looseObject({ name: z.string().min(1).max(64), properties: Properties });
const Resource = z.looseObject({
  type: z.string().min(1).max(64),
  id: z.string().max(256).optional(),
  properties: Properties,
});
const Context = z.record(z.string().max(64), z.unknown()).optional();
const Entities = { subject: Subject, action: Action, resource: Resource, context: Context };

/** One question (section 6 of the specification). */
export const Evaluation = z.looseObject(Entities);
type Evaluation = z.output<typeof Evaluation>;

/** Many: what is said once holds for each that says nothing else (section 7). */
export const Evaluations = z.looseObject({
  ...z.object(Entities).partial().shape,
  evaluations: z
    .array(z.looseObject(z.object(Entities).partial().shape))
    .min(1)
    .max(1_000),
  options: z
    .looseObject({
      evaluations_semantic: z.literal('execute_all').optional().meta({ description: 'Each is decided' }),
    })
    .optional(),
});

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);

const scalars = (prefix: string, values: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (isScalar(value) ? [[prefix + name, value]] : [])),
  );

/** Attributes of the resource go as `resource.<name>`; of all properties, texts, numbers and booleans count. */
const toQuestion = ({ subject, action, resource, context }: Evaluation) => ({
  user_id: subject.id,
  resource: resource.type,
  action: action.name,
  context: {
    ...scalars('', context),
    ...scalars('resource.', resource.properties),
    ...(resource.id !== undefined && { 'resource.id': resource.id }),
  },
});

const toDecision = ({
  allowed,
  reason,
  applied_policies,
}: Pick<Decision, 'allowed' | 'reason' | 'applied_policies'>) => ({
  decision: allowed,
  context: { reason, applied_policies },
});

const Answer = z.object({
  decision: z.boolean(),
  context: z.object({ reason: z.string(), applied_policies: z.array(z.string()) }),
});

const ok = (json: unknown): Answered => ({ status: 200, kind: 'json', json });

export const EVALUATION: HttpBinding = {
  method: 'POST',
  path: '/access/v1/evaluation',
  input: Evaluation,
  request: toQuestion,
  answers: [{ status: 200, kind: 'json', schema: Answer, description: 'The decision, and why' }],
  answer: (decision: Decision) => ok(toDecision(decision)),
};

export const EVALUATIONS: HttpBinding = {
  method: 'POST',
  path: '/access/v1/evaluations',
  limit: 1024 * 1024,
  input: Evaluations,
  request: ({ evaluations, options: _, ...common }: z.output<typeof Evaluations>) => ({
    checks: evaluations.map((each) => {
      const whole = Evaluation.safeParse({ ...common, ...each });
      // what lacks something is no question: the operation refuses it by its fields
      return whole.success ? toQuestion(whole.data) : each;
    }),
  }),
  answers: [
    {
      status: 200,
      kind: 'json',
      schema: z.object({ evaluations: z.array(Answer) }),
      description: 'The decisions, in order',
    },
  ],
  answer: ({ results }: { results: readonly Decision[] }) => ok({ evaluations: results.map(toDecision) }),
};
