/** Which route takes a request. Who finds none, and what is no path, is answered with a problem like all else. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import findMyWay, { type HTTPVersion, type Instance } from 'find-my-way';
import { AppError, toAppError } from '../../kit/errors.ts';
import { later } from '../../kit/late.ts';
import { requestIdOf } from '../binding/binding.ts';
import { problemResponse } from '../binding/render.ts';
import type { Door } from './door.ts';
import type { Exchange } from './exchange.ts';
import type { Report } from './observation.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof METHODS)[number];

type Answer = (request: IncomingMessage, response: ServerResponse, params: object, search: string) => void;
type Tree = Instance<HTTPVersion.V1>;

/** Ids and names in paths are shorter than this; a longer segment is refused with 414. */
const SEGMENT = 512;

export interface Router {
  /**
   * Adds a route, before the first request; HEAD comes with GET.
   *
   * @param template `/users/{user_id}`
   * @param handle answers, and throws nothing but before it answers; `report` tells of the answers that it could not give
   */
  add(method: Method, template: string, handle: (exchange: Exchange) => void | Promise<void>, report: Report): void;
  listener: RequestListener;
}

/** `/users/{user_id}` as the router writes it; a colon of the template's own is doubled. */
export const toRoutePath = (template: string): string =>
  template.replaceAll(':', '::').replace(/\{([A-Za-z_]\w*)\}/g, ':$1');

/** Makes a router without routes. */
export const createRouter = (door: Door): Router => {
  const { ids, log } = door.host.ports;
  const unmatched = (method: string): Report =>
    door.reportOf({
      service: 'perfect21',
      method: METHODS.find((each) => each === method) ?? 'OTHER',
      endpoint: 'unmatched',
    });
  const reports = new Map([...METHODS, 'OTHER'].map((method) => [method, unmatched(method)]));

  const refuse = (error: AppError, exchange: Exchange, report: Report, allow?: string): void => {
    const requestId = requestIdOf(exchange.request.headers['x-request-id'] as string | undefined, ids.uuid);
    if (error.code === 'internal') log.error('http.failed', { request_id: requestId, cause: error.cause });
    const { status, headers, body } = problemResponse(error, requestId);
    door.send(exchange, { status, headers: { ...headers, ...(allow && { allow }) }, body });
    report(status, performance.now(), requestId);
  };
  const refuseUnrouted = (error: AppError, request: IncomingMessage, response: ServerResponse, allow?: string): void =>
    refuse(
      error,
      { request, response, params: {}, search: '' },
      reports.get(request.method!) ?? reports.get('OTHER')!,
      allow,
    );

  const taken = new Set<string>();
  /** Paths without parameters, as most requests have them: nothing is looked for, and nothing has to have grown. */
  const exact = new Map<string, Map<string, Answer>>();
  const branches: ((tree: Tree) => void)[] = [];
  let tree: Tree | undefined;
  const treeNow = (): Tree => {
    grow();
    return tree!;
  };
  // the tree's own modules, and each branch of it, are compiled
  const grow = later(() => {
    const made: Tree = findMyWay({
      maxParamLength: SEGMENT,
      // read by those that know what may be in it
      querystringParser: (text) => text,
      onBadUrl: (_, request, response) => refuseUnrouted(new AppError('invalid_request'), request, response),
      onMaxParamLength: (_, request, response) => refuseUnrouted(new AppError('uri_too_long'), request, response),
      defaultRoute: (request, response) => {
        const allowed = METHODS.filter((method) => made.find(method, request.url!) !== null);
        if (allowed.length === 0) return refuseUnrouted(new AppError('not_found'), request, response);
        const allow = allowed.join(', ');
        const error = new AppError('method_not_allowed', { detail: `Allowed here: ${allow}` });
        refuseUnrouted(error, request, response, allow);
      },
    });
    for (const add of branches) add(made);
    tree = made;
  });

  return {
    add: (method, template, handle, report) => {
      const place = `${method} ${template.replace(/\{\w+\}/g, '{}')}`;
      if (taken.has(place)) throw new Error(`${place} is routed twice`);
      taken.add(place);
      const methods: Method[] = method === 'GET' ? ['GET', 'HEAD'] : [method];
      const answer: Answer = (request, response, params, search) => {
        const exchange = { request, response, params: params as Record<string, string>, search };
        try {
          const answered = handle(exchange);
          answered?.catch((thrown: unknown) => refuse(toAppError(thrown), exchange, report));
        } catch (thrown) {
          refuse(toAppError(thrown), exchange, report);
        }
      };
      if (!template.includes('{')) {
        const byMethod = exact.get(template) ?? new Map<string, Answer>();
        exact.set(template, byMethod);
        for (const each of methods) byMethod.set(each, answer);
      }
      branches.push((tree) =>
        tree.on(methods, toRoutePath(template), (request, response, params, _, search) =>
          answer(request, response, params, search as never),
        ),
      );
    },
    listener: (request, response) => {
      const answer = exact.get(request.url!)?.get(request.method!);
      if (answer) return answer(request, response, {}, '');
      treeNow().lookup(request, response);
    },
  };
};
