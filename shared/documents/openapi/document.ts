/** The OpenAPI 3.1 document of the platform, made from the operations themselves. Pure. */
import { type BodyKind, type HttpBinding, kindsOf } from '../../kit/binding.ts';
import { type Access, elsewhereOf, type Operation, streams } from '../../kit/operation.ts';
import type { Service } from '../../kit/service.ts';
import { isStream, NDJSON, type Stream } from '../../kit/stream.ts';
import { exampleOf } from './example.ts';
import { PROBLEM } from './problems.ts';
import { responsesOf } from './responses.ts';
import { type JsonSchema, SchemaBook } from './schemas.ts';

export interface DocumentOptions {
  version: string;
  /** Base address of the servers; `/` (where the document came from) when left out. */
  server?: string;
}

const accesses = ({ access }: Operation<any, any>): readonly Access[] =>
  typeof access === 'string' ? [access] : access;

/** Which of the security schemes opens an operation; any one of several suffices. */
const securityOf = (op: Operation<any, any>, { credentials }: HttpBinding): Record<string, never[]>[] => {
  const schemes = new Set<string>();
  if (credentials === 'basic') schemes.add('clientBasic');
  for (const access of accesses(op)) {
    if (access === 'public') return [...schemes].map((scheme) => ({ [scheme]: [] }));
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
  const stand = op.elsewhere && `Streams. Behind API Gateway, which can't, ${op.elsewhere} stands in.`;
  return [op.description, stand, `Open to ${who.join(', ')}.`].filter(Boolean).join('\n\n');
};

/** Path parameters, query or body, as the HTTP binding takes the input apart. */
const inputOf = (carriesBody: boolean, http: HttpBinding, input: JsonSchema) => {
  const { path } = http;
  const properties = input.properties ?? {};
  const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!);
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name));
  const required = new Set(input.required ?? []);
  const parameter = (name: string, where: 'path' | 'query') => {
    const { description, ...schema } = properties[name] ?? { type: 'string' };
    const needed = where === 'path' || required.has(name);
    return { name, in: where, required: needed, ...(description && { description }), schema };
  };
  const inQuery = carriesBody ? [] : rest;
  const parameters = [
    ...inPath.map((name) => parameter(name, 'path')),
    ...inQuery.map((name) => parameter(name, 'query')),
  ];
  if (!carriesBody || rest.length === 0) return { parameters };
  const body: JsonSchema = {
    ...input,
    properties: Object.fromEntries(rest.map((name) => [name, properties[name]!])),
    required: rest.filter((name) => required.has(name)),
  };
  return { parameters, body };
};

/** What stands in path and query beside the rows of a stream. */
const beside = ({ parameters }: Stream, http: HttpBinding, book: SchemaBook) =>
  inputOf(false, http, parameters ? book.input(parameters) : {}).parameters;

const MEDIA: Record<BodyKind, string> = { json: 'application/json', form: 'application/x-www-form-urlencoded' };

const operationObject = (op: Operation<any, any>, http: HttpBinding, at: number, book: SchemaBook) => {
  const { parameters, body } = isStream(op.input)
    ? { parameters: beside(op.input, http, book), body: book.input(op.input.row) }
    : inputOf(kindsOf(http).length > 0, http, book.input(http.input ?? op.input));
  const content = (schema: JsonSchema, kinds: readonly BodyKind[]) => {
    const value = { schema, example: exampleOf(schema, (ref) => book.resolve(ref)) };
    return Object.fromEntries(kinds.map((kind) => [MEDIA[kind], value]));
  };
  return {
    // every id is there once; the first binding has the operation's own
    operationId: at === 0 ? op.name : `${op.name}-${at + 1}`,
    tags: [op.name.split('.')[0]!],
    summary: op.summary,
    description: describe(op),
    security: securityOf(op, http),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: isStream(op.input)
        ? { required: true, description: 'One such value a line', content: { [NDJSON]: { schema: body } } }
        : { required: (body.required?.length ?? 0) > 0, content: content(body, kindsOf(http)) },
    }),
    ...(streams(op) && { 'x-streams': { elsewhere: elsewhereOf(op) } }),
    responses: responsesOf(op, http, book, { body: body !== undefined, parameters: parameters.length > 0 }),
  };
};

/** Operations that are spoken to over HTTP, in the order of the services. */
export const httpOperations = (services: readonly Service[]): Operation<any, any>[] =>
  services.flatMap(({ operations }) => operations.filter(({ http }) => http.length > 0));

/**
 * The document.
 *
 * @example const json = JSON.stringify(openApi(platform, { version: '1.0.0' }));
 */
export const openApi = (services: readonly Service[], { version, server = '/' }: DocumentOptions) => {
  const book = new SchemaBook();
  const paths: Record<string, Record<string, unknown>> = {};
  let basic = false;
  for (const op of httpOperations(services)) {
    for (const [at, http] of op.http.entries()) {
      const { method, path } = http;
      // what answers the same question in another form is told by the operation itself
      if (http.accept) continue;
      paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(op, http, at, book) };
      basic ||= http.credentials === 'basic';
    }
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
        ...(basic && { clientBasic: { type: 'http', scheme: 'basic', description: "A client's id and secret" } }),
      },
      headers: {
        RequestId: { description: 'The id of this request, also in our logs', schema: { type: 'string' } },
      },
      schemas: { Problem: PROBLEM, ...book.components },
    },
  };
};
