import { connect } from 'node:http2';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { openApi } from '../../shared/documents/openapi/document.ts';
import { formFieldsOf, parseForm } from '../../shared/doors/binding/form.ts';
import { type RunningHttp, startHttp } from '../../shared/doors/http/http.ts';
import { serveHttp } from '../../shared/doors/lambda/lambda.ts';
import { operation } from '../../shared/kit/operation.ts';
import { http1Door, http2Door } from '../e2e/doors/http.ts';
import { lambdaDoor } from '../e2e/doors/lambda.ts';
import type { Door } from '../e2e/world.ts';
import { bound, echo, Fields, seen } from './bindings.ts';
import { fakeHost } from './http/harness.ts';
import { httpEvent, lambdaContext } from './lambda/support.ts';

const FORM = 'application/x-www-form-urlencoded';
const { host } = fakeHost();
let http: RunningHttp;
const doors: Door[] = [];

beforeAll(async () => {
  http = await startHttp(host, [bound], { host: '127.0.0.1', port: 0 });
  doors.push(http1Door(http.url), http2Door(http.url), lambdaDoor(host));
});
afterAll(async () => {
  await (doors[1] as ReturnType<typeof http2Door>).close();
  await http.stop();
});

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}
interface Sent {
  method?: string;
  path: string;
  query?: string;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** A request through each door, not interpreted. */
const raw: Record<string, (sent: Sent) => Promise<Answer>> = {
  'HTTP/1.1': async ({ method = 'POST', path, query = '', type, body, headers }) => {
    const answer = await fetch(`${http.url}${path}${query && `?${query}`}`, {
      method,
      redirect: 'manual',
      body,
      headers: { ...(type && { 'content-type': type }), ...headers },
    });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  },
  'HTTP/2': async ({ method = 'POST', path, query = '', type, body, headers }) => {
    const session = connect(http.url);
    const stream = session.request({
      ':method': method,
      ':path': `${path}${query && `?${query}`}`,
      ...(type && { 'content-type': type }),
      ...headers,
    });
    const answered = new Promise<Record<string, any>>((resolve) => stream.on('response', resolve));
    stream.end(body);
    const chunks = await stream.setEncoding('utf8').toArray();
    session.close();
    const { ':status': status, ...fields } = await answered;
    return { status, headers: fields, body: chunks.join('') };
  },
  Lambda: async ({ method = 'POST', path, query, type = '', body, headers }) => {
    const [op] = bound.operations.filter((each) => each.http.some((one) => one.path === path));
    const event = httpEvent({ method, path, query, body, headers: { 'content-type': type, ...headers } });
    const answer: APIGatewayProxyStructuredResultV2 = await serveHttp(async () => host, op!, event, lambdaContext());
    return { status: answer.statusCode!, headers: answer.headers as Record<string, string>, body: answer.body ?? '' };
  },
};

describe('an operation with several bindings', () => {
  test('answers each of them, with a form as with JSON, through every door', async () => {
    const input = {
      text: 'grüße & more',
      count: 1.5,
      whole: 3,
      sure: false,
      words: ['a', 'b'],
      numbers: [1],
      kind: 'b',
    };
    const ways = echo.http.slice(0, 3).flatMap((via) => (via.body ?? ['json' as const]).map((kind) => ({ via, kind })));
    expect(ways).toHaveLength(5);
    for (const door of doors) {
      for (const way of ways) {
        const { ok, body } = await door.call(echo, input, way as object);
        expect([door.name, way.via.method, way.kind, ok, body]).toEqual([
          door.name,
          way.via.method,
          way.kind,
          true,
          input,
        ]);
      }
    }
  });

  test.each(Object.keys(raw))('may take another shape and answer another status and shape over %s', async (door) => {
    const send = (body: string) => raw[door]!({ path: '/nested', type: 'application/json', body });
    const answer = await send('{"subject":{"text":"x"}}');
    expect([answer.status, JSON.parse(answer.body)]).toEqual([201, { said: 'x' }]);
    const refused = await send('{"subject":{"text":1}}');
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'invalid_request', errors: [{ path: 'subject.text' }] });
  });

  test('can not be made with bindings that contradict themselves', () => {
    const make = (binding: object) => () =>
      operation({
        name: 'bound.wrong',
        summary: 'Is not made',
        http: binding as never,
        access: 'public',
        input: z.object({}),
        output: z.object({}),
        run: () => ({}),
      });
    expect(make({ method: 'GET', path: '/', body: ['json'] })).toThrow('GET takes no body');
    expect(make({ method: 'GET', path: '/', answers: [{ status: 200, kind: 'redirect' }] })).toThrow(
      '200 is no status of',
    );
    expect(make({ method: 'GET', path: '/', answer: () => ({}) })).toThrow('declared answers');
    expect(
      make([
        { method: 'GET', path: '/' },
        { method: 'GET', path: '/' },
      ]),
    ).toThrow('bound twice');
  });
});

describe('a form', () => {
  const strictText = fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}]/u.test(text) && text.isWellFormed());
  const inputs = fc.record(
    {
      text: strictText,
      count: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
      whole: fc.integer(),
      sure: fc.boolean(),
      words: fc.array(strictText, { minLength: 1 }),
      numbers: fc.array(fc.integer(), { minLength: 1 }),
      kind: fc.constantFrom('a', 'b'),
      two: fc.constant(2),
    },
    { requiredKeys: ['text'] },
  );
  const fields = formFieldsOf(Fields);

  test('gives the input that its JSON twin gives', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const form = new URLSearchParams();
        for (const [name, value] of Object.entries(input)) {
          for (const each of [value].flat()) form.append(name, String(each));
        }
        expect(Fields.parse(parseForm(form.toString(), fields))).toEqual(
          Fields.parse(JSON.parse(JSON.stringify(input))),
        );
      }),
    );
  });

  test('leaves text that is no number to the schema, and numbers in a text alone', () => {
    for (const count of ['', '1x', '0x10', '01', ' 1', 'Infinity', 'NaN', '+1']) {
      expect(parseForm(`count=${encodeURIComponent(count)}`, fields)).toEqual({ count });
    }
    expect(parseForm('text=1&sure=TRUE', fields)).toEqual({ text: '1', sure: 'TRUE' });
  });

  test.each(Object.keys(raw))('that is broken is refused over %s, and the next good one taken', async (door) => {
    const send = (body: string, type = FORM) => raw[door]!({ path: '/echo', type, body });
    const cases: [body: string, status: number, type?: string][] = [
      ['text=%', 400],
      ['text=%zz', 400],
      ['text=%ff', 400],
      ['text=%00', 400],
      ['text=a%0ab', 400],
      ['a%00=1', 400],
      ['text=a&text=b', 400],
      ['text=a&more=b', 400],
      ['text=a&count=b', 400],
      ['text=a&__proto__=b', 400],
      ['text=a&&', 400],
      ['=a', 400],
      ['text=a', 415, 'text/plain'],
      ['text=a', 415, `${FORM}; charset=utf-16`],
      ['text=a', 415, 'multipart/form-data; boundary=x'],
      [`text=${'x'.repeat(70_000)}`, 413],
    ];
    for (const [body, status, type] of cases) {
      const answer = await send(body, type);
      expect([body.slice(0, 40), answer.status, JSON.parse(answer.body).status]).toEqual([
        body.slice(0, 40),
        status,
        status,
      ]);
    }
    expect((await send('text=a%20b+c', `${FORM}; charset=UTF-8`)).body).toBe('{"text":"a b c","kind":"a"}');
  });

  test('is refused where only JSON is taken, and JSON where only forms are', async () => {
    for (const door of Object.keys(raw).slice(0, 2)) {
      const form = await raw[door]!({ method: 'PUT', path: '/other/a', type: FORM, body: 'kind=a' });
      expect([form.status, JSON.parse(form.body).detail]).toEqual([415, 'Send application/json']);
    }
    const json = await raw.Lambda!({ path: '/token', type: 'application/json', body: '{}' });
    expect([json.status, JSON.parse(json.body).detail]).toEqual([415, `Send ${FORM}`]);
  });

  test('never fails with anything but invalid_request', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a%=&+0-9f]*$/)), (text) => {
        try {
          parseForm(text, fields);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'invalid_request' });
        }
      }),
    );
  });
});

describe.each(Object.keys(raw))('an answer over %s', (door) => {
  const go = (to: string) => raw[door]!({ method: 'GET', path: '/go', query: `to=${encodeURIComponent(to)}` });

  test('may be a redirect', async () => {
    const answer = await go('https://example.org/?a=b');
    expect(answer).toMatchObject({
      status: 303,
      body: '',
      headers: { location: 'https://example.org/?a=b', 'x-more': '1' },
    });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('may be a page, with the policy of pages', async () => {
    const answer = await go('page');
    expect(answer).toMatchObject({ status: 200, body: '<!doctype html><p>é' });
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toContain("script-src 'self'");
  });

  test('that was not declared, or leads where no browser should go, is our fault', async () => {
    for (const to of ['undeclared', 'https://a/ b', 'javascript:alert(1)', 'https://é/', '']) {
      expect([to, (await go(to)).status]).toEqual([to, 500]);
    }
  });

  test('to a client with Basic credentials comes from an operation that judged them itself', async () => {
    const send = (authorization?: string) =>
      raw[door]!({
        path: '/token',
        type: FORM,
        body: 'grant_type=client_credentials',
        headers: authorization ? { authorization } : {},
      });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const good = await send(basic('client é:p:w'));
    expect([good.status, good.headers.pragma, JSON.parse(good.body)]).toEqual([
      200,
      'no-cache',
      { client: 'client é' },
    ]);
    expect(seen.at(-1)).toEqual({ user: 'client é', password: 'p:w' });
    for (const bad of [undefined, basic('client:wrong'), basic('no colon'), 'Basic !', 'Basic', basic('a\u0000:b')]) {
      const refused = await send(bad);
      expect([bad, refused.status]).toEqual([bad, 401]);
      expect(refused.headers['www-authenticate']).toBe('Basic realm="perfect21", charset="UTF-8"');
    }
  });

  test('to an error may have the form that the binding declares, also when the body could not be read', async () => {
    for (const body of ['grant_type=other', 'grant_type=%']) {
      const answer = await raw[door]!({ path: '/token', type: FORM, body });
      expect([answer.status, JSON.parse(answer.body)]).toEqual([400, { error: 'invalid_request' }]);
      expect(answer.headers['content-type']).toBe('application/json');
    }
  });
});

test('the OpenAPI document tells of every binding, body and answer', () => {
  const { paths, components } = JSON.parse(JSON.stringify(openApi([bound], { version: '1' })));
  expect(Object.keys(paths['/echo'].delete.requestBody.content)).toEqual(['application/json', FORM]);
  expect(paths['/echo'].post.operationId).toBe('bound.echo');
  expect(paths['/nested'].post.operationId).toBe('bound.echo-4');
  expect(Object.keys(paths['/nested'].post.requestBody.content['application/json'].schema.properties)).toEqual([
    'subject',
  ]);
  expect(paths['/nested'].post.responses[201].content['application/json'].schema.properties).toHaveProperty('said');
  const { responses } = paths['/go'].get;
  expect(responses[303].headers).toHaveProperty('location');
  expect(Object.keys(responses[200].content)).toEqual(['text/html']);
  expect(Object.keys(paths['/token'].post.responses[400].content)).toEqual([
    'application/json',
    'application/problem+json',
  ]);
  expect(paths['/token'].post.security).toEqual([{ clientBasic: [] }]);
  expect(components.securitySchemes.clientBasic.scheme).toBe('basic');
});
