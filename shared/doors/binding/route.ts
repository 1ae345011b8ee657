/** An operation by one of its HTTP bindings, with what follows from both worked out once. */
import { answersOf, type HttpBinding, kindsOf } from '../../kit/binding.ts';
import { type Operation, streams } from '../../kit/operation.ts';
import { isStream, type Stream } from '../../kit/stream.ts';
import type { SpanAttributes } from '../../ports/tracer.ts';
import { type BodyRules, DEFAULT_LIMIT } from './body.ts';
import { formFieldsOf } from './form.ts';

export interface Route {
  op: Operation<any, any>;
  http: HttpBinding;
  body: BodyRules;
  /** Whether the path has parameters. */
  parameters: boolean;
  /** Set where rows go in or out one by one. */
  readonly streams?: { in: Stream | undefined; out: Stream | undefined; idle: number } | undefined;
  /** Set where the binding's fields are not the input itself. */
  shape?: Pick<HttpBinding, 'input' | 'request'>;
  /** `<status> <kind>` of all declared answers. */
  declared: ReadonlySet<string>;
  /** What the span of a request is called and says first: a template, never a path as it came. */
  span: { name: string; attributes: SpanAttributes };
  /** `WWW-Authenticate` of a refusal. */
  challenge: string;
}

const BEARER = 'Bearer realm="perfect21"';
const BASIC = 'Basic realm="perfect21", charset="UTF-8"';

/** The challenge where nothing is known of the route. */
export const DEFAULT_CHALLENGE = BEARER;

const streamsOf = ({ input, output }: Operation<any, any>): NonNullable<Route['streams']> => {
  const [into, out] = [input, output].map((each) => (isStream(each) ? each : undefined));
  return { in: into, out, idle: Math.max(into?.idle ?? 0, out?.idle ?? 0) };
};

const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => (made ??= make());
};

export const routeOf = (op: Operation<any, any>, http: HttpBinding): Route => {
  const kinds = op.takesRows ? [] : kindsOf(http);
  const limit = http.limit ?? DEFAULT_LIMIT;
  const basic = http.credentials === 'basic';
  return {
    op,
    http,
    body: { kinds, limit, form: once(() => formFieldsOf(http.input ?? op.input)) },
    parameters: http.path.includes('{'),
    get streams() {
      return streams(op) ? streamsOf(op) : undefined;
    },
    ...('request' in http && { shape: http }),
    declared: new Set(answersOf(http).map(({ status, kind }) => `${status} ${kind}`)),
    span: {
      name: `${http.method} ${http.path}`,
      attributes: Object.freeze({ 'http.request.method': http.method, 'http.route': http.path }),
    },
    challenge: basic ? (op.access === 'public' ? BASIC : `${BASIC}, ${BEARER}`) : BEARER,
  };
};

const known = new WeakMap<Operation<any, any>, readonly Route[]>();
/** The routes of an operation, one a binding. */
export const routesOf = (op: Operation<any, any>): readonly Route[] => {
  let routes = known.get(op);
  if (!routes) {
    routes = op.http.map((http) => routeOf(op, http));
    known.set(op, routes);
  }
  return routes;
};
