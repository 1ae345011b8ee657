/** The OpenAPI 3.1 document of the platform, made from the operations themselves. Pure. */
import type { ErrorCode } from '../../kit/errors.ts';
import type { Access, Operation, Service } from '../../kit/operation.ts';
import { exampleOf } from './example.ts';
import { outcomesOf, PROBLEM, problemResponses } from './problems.ts';
import { type JsonSchema, SchemaBook } from './schemas.ts';

export interface DocumentOptions {
  version: string;
  /** Base address of the servers; `/` (where the document came from) when left out. */
  server?: string;
}

const accesses = ({ access }: Operation<any, any>): readonly Access[] =>
  typeof access === 'string' ? [access] : access;

/** Which of the security schemes opens an operation; any one of several suffices. */
const securityOf = (op: Operation<any, any>): Record<string, never[]>[] => {
  const schemes = new Set<string>();
  for (const access of accesses(op)) {
    if (access === 'public') return [];
    if (access === 'service' || access.includes(':')) schemes.add('serviceToken');
    if (access !== 'service') schemes.add('accessToken');
  }
  return [...schemes].sort().map((scheme) => ({ [scheme]: [] }));
};

const WHO: Record<string, string> = {
  public: 'anybody',
  user: 'any user',
  own: 'the user concerned',
  service: 'services',
};
const describe = (op: Operation<any, any>): string => {
  const who = accesses(op).map((access) => WHO[access] ?? `holders of \`${access}\``);
  return [op.description, `Open to ${who.join(', ')}.`].filter(Boolean).join('\n\n');
};

const carriesBody = (method: string): boolean => method === 'POST' || method === 'PUT' || method === 'PATCH';

/** Path parameters, query or body, as the HTTP binding takes the input apart. */
const inputOf = (op: Operation<any, any>, input: JsonSchema) => {
  const { method, path } = op.http!;
  const properties = input.properties ?? {};
  const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!);
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name));
  const required = new Set(input.required ?? []);
  const parameter = (name: string, where: 'path' | 'query') => {
    const { description, ...schema } = properties[name] ?? { type: 'string' };
    const needed = where === 'path' || required.has(name);
    return { name, in: where, required: needed, ...(description && { description }), schema };
  };
  const inQuery = carriesBody(method) ? [] : rest;
  const parameters = [
    ...inPath.map((name) => parameter(name, 'path')),
    ...inQuery.map((name) => parameter(name, 'query')),
  ];
  if (!carriesBody(method) || rest.length === 0) return { parameters };
  const body: JsonSchema = {
    ...input,
    properties: Object.fromEntries(rest.map((name) => [name, properties[name]!])),
    required: rest.filter((name) => required.has(name)),
  };
  return { parameters, body };
};

const operationObject = (op: Operation<any, any>, book: SchemaBook) => {
  const { status = 200, method } = op.http!;
  const { parameters, body } = inputOf(op, book.input(op.input));
  const output = status === 204 ? undefined : book.output(op.output);
  const json = (schema: JsonSchema) => ({
    'application/json': { schema, example: exampleOf(schema, (ref) => book.resolve(ref)) },
  });
  return {
    operationId: op.name,
    tags: [op.name.split('.')[0]!],
    summary: op.summary,
    description: describe(op),
    security: securityOf(op),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: (body.required?.length ?? 0) > 0, content: json(body) } }),
    responses: {
      [status]: {
        description: status === 204 ? 'Done' : op.summary,
        headers: { 'x-request-id': { $ref: '#/components/headers/RequestId' } },
        ...(output && { content: json(output) }),
      },
      ...problemResponses(outcomesOf(op, carriesBody(method) && body !== undefined)),
    },
  };
};

/** Operations that are spoken to over HTTP, in the order of the services. */
export const httpOperations = (services: readonly Service[]): Operation<any, any>[] =>
  services.flatMap(({ operations }) => operations.filter(({ http }) => http));

/**
 * The document.
 *
 * @example const json = JSON.stringify(openApi(platform, { version: '1.0.0' }));
 */
export const openApi = (services: readonly Service[], { version, server = '/' }: DocumentOptions) => {
  const book = new SchemaBook();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const op of httpOperations(services)) {
    const { method, path } = op.http!;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(op, book) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'perfect21',
      version,
      description: 'Authentication and authorization. Errors are RFC 9457 problem details with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: server }],
    tags: services.map(({ name }) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: "A user's access token" },
        serviceToken: { type: 'http', scheme: 'bearer', description: 'A service token' },
      },
      headers: {
        RequestId: { description: 'The id of this request, also in our logs', schema: { type: 'string' } },
      },
      schemas: { Problem: PROBLEM, ...book.components },
    },
  };
};

/** Error codes that the document names for an operation; for tests. */
export const codesOf = (op: Operation<any, any>): ErrorCode[] => [...outcomesOf(op, true).values()].flat();
