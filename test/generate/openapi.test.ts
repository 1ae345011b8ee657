import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { ROOT } from '../../infra/generate/files.ts';
import { document } from '../../infra/generate/openapi.ts';
import { platform } from '../../infra/generate/platform.ts';
import { docsRoutes } from '../../shared/documents/openapi/docs.ts';
import { httpOperations, openApi } from '../../shared/documents/openapi/document.ts';
import { answersOf } from '../../shared/kit/binding.ts';
import { ERRORS } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { service } from '../../shared/kit/service.ts';
import { checkPassword } from '../../shared/passwords/password-policy.heavy.ts';

const made = document() as any;
const operations = httpOperations(platform);
// what shares its place with another is told there
const bindings = operations.flatMap((op) => op.http.filter(({ accept }) => !accept).map((http) => ({ op, http })));
const objectOf = ({ http: { path, method } }: (typeof bindings)[number]) => made.paths[path]?.[method.toLowerCase()];

/** Every `$ref` of a document. */
const references = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, each]) => (key === '$ref' ? [each as string] : references(each)));

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1 and is what the committed YAML says', () => {
    expect(made.openapi).toBe('3.1.0');
    expect(parse(readFileSync(join(ROOT, 'proto/openapi.yaml'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(made)));
  });

  test('has every binding of every operation, once and under its own id', () => {
    const ids = bindings.map((binding) => objectOf(binding)?.operationId);
    expect(new Set(ids).size).toBe(bindings.length);
    expect(ids).toEqual(expect.arrayContaining(operations.map(({ name }) => name)));
    const methods = Object.values<object>(made.paths).flatMap((path) => Object.keys(path));
    expect(methods).toHaveLength(bindings.length);
  });

  test('takes and tells times as whole unix seconds; where ISO 8601 is taken, it is taken beside them', () => {
    const alone = (node: any, beside: any[] = []): unknown[] => {
      if (typeof node !== 'object' || node === null) return [];
      if (node.format === 'date-time') return beside.some(({ type }) => type === 'integer') ? [] : [node];
      return Object.values<any>(node).flatMap((each) => alone(each, Array.isArray(node) ? node : []));
    };
    expect(alone(made)).toEqual([]);
  });

  test('names every error that an operation may answer, as a problem with its code', () => {
    for (const binding of bindings) {
      const { op, http } = binding;
      const { responses } = objectOf(binding);
      for (const code of [...op.errors, 'internal', 'unavailable', 'invalid_request'] as const) {
        const problem = responses[ERRORS[code].http]?.content['application/problem+json'];
        expect([op.name, code, problem?.examples[code]?.value.code]).toEqual([op.name, code, code]);
      }
      for (const { status } of answersOf(http)) expect(responses[status]).toBeDefined();
    }
  });

  test('says what streams answer, and that an address may be too long where something stands in it', () => {
    const { get: watch } = made.paths['/api/v1/realtime/stream'];
    expect(Object.keys(watch.responses[200].content)).toEqual(['text/event-stream']);
    const { get: rows } = made.paths['/api/v1/users/export'];
    expect(Object.keys(rows.responses[200].content)).toEqual(['application/x-ndjson']);
    for (const methods of Object.values<any>(made.paths)) {
      for (const { operationId, parameters = [], responses } of Object.values<any>(methods))
        expect([operationId, 414 in responses]).toEqual([operationId, parameters.length > 0]);
    }
  });

  test('says how to be let in exactly where not everybody is', () => {
    for (const binding of bindings) {
      const { op, http } = binding;
      const open = [op.access].flat().includes('public') && !http.credentials;
      expect([op.name, objectOf(binding).security.length > 0]).toEqual([op.name, !open]);
    }
  });

  test('declares every parameter of a path, and all that it refers to exists', () => {
    for (const binding of bindings) {
      const names = [...binding.http.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = (objectOf(binding).parameters ?? []).filter((each: any) => each.in === 'path');
      expect(declared.map((each: any) => each.name)).toEqual(names);
      expect(declared.every((each: any) => each.required)).toBe(true);
    }
    for (const reference of references(made)) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce<any>((node, key) => node?.[key], made);
      expect([reference, found !== undefined]).toEqual([reference, true]);
    }
  });

  test('gives examples that the operations would take', () => {
    for (const binding of bindings) {
      const { op, http } = binding;
      const [body] = Object.values<any>(objectOf(binding).requestBody?.content ?? {});
      const example = body?.example;
      if (example === undefined) continue;
      const input = {
        ...example,
        ...Object.fromEntries([...http.path.matchAll(/\{(\w+)\}/g)].map((m) => [m[1], 'x'])),
      };
      for (const password of [input.password, input.new_password].filter((each) => each !== undefined)) {
        expect([password, checkPassword(password, { min_length: 15, context: [] })]).toEqual([password, undefined]);
      }
      const { error } = (http.input ?? op.input).safeParse(input);
      expect([op.name, error && z.prettifyError(error)]).toEqual([op.name, undefined]);
    }
  });

  test('keeps path, query and body apart and shares named schemas', () => {
    const Thing = z.strictObject({ id: z.string() }).meta({ id: 'Thing' });
    const shared = { access: 'public' as const, output: z.object({ thing: Thing }), summary: 'Does' };
    const put = operation({
      ...shared,
      name: 'tests.put-thing',
      http: { method: 'PUT', path: '/things/{id}' },
      input: z.strictObject({ id: z.string(), size: z.int(), note: z.string().optional() }),
      run: () => ({ thing: { id: '1' } }),
    });
    const get = operation({
      ...shared,
      name: 'tests.get-thing',
      http: { method: 'GET', path: '/things/{id}' },
      input: z.strictObject({ id: z.string(), fields: z.string().optional() }),
      run: () => ({ thing: { id: '1' } }),
    });
    const { paths, components } = openApi([service('tests', [put, get])], { version: '1' }) as any;
    const { put: written, get: read } = paths['/things/{id}'];
    expect(Object.keys(written.requestBody.content['application/json'].schema.properties)).toEqual(['size', 'note']);
    expect(written.requestBody.content['application/json'].schema.required).toEqual(['size']);
    expect(read.parameters.map((each: any) => [each.name, each.in, each.required])).toEqual([
      ['id', 'path', true],
      ['fields', 'query', false],
    ]);
    expect(read.responses[200].content['application/json'].schema.properties.thing.$ref).toBe(
      '#/components/schemas/Thing',
    );
    expect(components.schemas.Thing.properties.id.type).toBe('string');
  });
});

describe('the browsable API', () => {
  test('loads nothing from elsewhere and runs nothing inline', () => {
    const routes = docsRoutes();
    const page = routes.find(({ path }) => path === '/docs')!.body as string;
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map((match) => (match[1] === 'data:,' ? match[1] : new URL(match[1]!, 'http://base/docs').pathname))
      .filter((to) => to !== 'data:,');
    expect(routes.map(({ path }) => path)).toEqual(expect.arrayContaining(loaded));
    expect(page).not.toMatch(/<script>|<style>|style="|https?:/);
  });
});
