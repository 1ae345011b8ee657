/** What is asked by the OpenID AuthZEN Authorization API 1.0, as questions of ours (https://openid.net/specs/authorization-api-1_0.html). Pure. */
import * as z from 'zod';
import { type AppError, toAppError } from '../../shared/kit/errors.ts';
import { parse } from '../../shared/kit/parse.ts';
import { CheckPermissionRequest } from './question-form.ts';

const Properties = z.record(z.string().max(64), z.unknown()).optional();
const Subject = z.looseObject({
  type: z.string().min(1).max(64),
  id: z.string().min(1).max(128),
  properties: Properties,
});
const Action = z.looseObject({ name: z.string().min(1).max(64), properties: Properties });
const Resource = z.looseObject({ type: z.string().min(1).max(64), id: z.string().max(256), properties: Properties });
const Context = z.record(z.string().max(64), z.unknown()).optional();

/** One question (section 6 of the specification). */
export const Evaluation = z.looseObject({ subject: Subject, action: Action, resource: Resource, context: Context });
export type Evaluation = z.output<typeof Evaluation>;

/** What an entity lacks in one of many questions is taken from what is said for all; all else of it is replaced (section 7.1). */
const IDENTITY = { subject: ['type', 'id'], action: ['name'], resource: ['type', 'id'] } as const;

/** Many: what is said once holds for each that says nothing else (section 7). Each is judged for itself, as is what it lacks. */
export const Evaluations = z.looseObject({
  subject: Subject.partial().optional(),
  action: Action.partial().optional(),
  resource: Resource.partial().optional(),
  context: Context,
  evaluations: z
    .array(z.looseObject({}))
    .max(1_000)
    .optional()
    .meta({ description: 'None: one question, and one answer' }),
  options: z
    .looseObject({
      evaluations_semantic: z.enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit']).optional().meta({
        description: 'Where the answers end: never before the last, with the first denial, with the first permit',
      }),
    })
    .optional(),
});
export type Evaluations = z.output<typeof Evaluations>;

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);

const scalars = (prefix: string, values: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (isScalar(value) ? [[prefix + name, value]] : [])),
  );

/** What a context can't say: it is often what an end user sent, and whose a resource is stands in the resource. */
const OF_ENTITIES = /^(subject|action|resource)\.|^owner_id$/;

const plain = (context: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(context).filter(([name]) => !OF_ENTITIES.test(name)));

/** Properties go as `subject.<name>`, `action.<name>` and `resource.<name>`: what the caller says, apart from what is known here. */
export const toQuestion = ({ subject, action, resource, context }: Evaluation) => ({
  user_id: subject.id,
  resource: resource.type,
  action: action.name,
  context: {
    ...scalars('', plain(context)),
    ...scalars('subject.', subject.properties),
    ...scalars('action.', action.properties),
    ...scalars('resource.', resource.properties),
    'resource.id': resource.id,
  },
});

type Question = ReturnType<typeof toQuestion>;

const isEntity = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** One of many with what is said for all. */
const wholeOf = ({ evaluations: _, options: __, ...common }: Evaluations, each: Record<string, unknown>) => {
  const whole: Record<string, unknown> = { ...common, ...each };
  for (const [name, keys] of Object.entries(IDENTITY)) {
    const [own, all] = [each[name], common[name]];
    if (!isEntity(own) || !isEntity(all)) continue;
    whole[name] = { ...Object.fromEntries(keys.flatMap((key) => (key in all ? [[key, all[key]]] : []))), ...own };
  }
  return whole;
};

/** What is asked, in order; with an error where that is no question. */
export const questionsOf = (given: Evaluations): ({ question: Question } | { error: AppError })[] =>
  given.evaluations!.map((each, at) => {
    const within = ['evaluations', String(at)];
    try {
      const question = toQuestion(parse(Evaluation, wholeOf(given, each), within) as Evaluation);
      parse(CheckPermissionRequest, question, within);
      return { question };
    } catch (thrown) {
      return { error: toAppError(thrown) };
    }
  });
