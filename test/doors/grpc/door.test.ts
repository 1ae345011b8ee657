import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ValidateCredentialsRequest,
  ValidateCredentialsResponse,
  ValidateTokenRequest,
  ValidateTokenResponse,
} from '../../../proto/gen/auth_service.ts';
import { BadRequest, ErrorInfo, RetryInfo, Status } from '../../../proto/gen/google/rpc/status.ts';
import { GetUserRequest, GetUserResponse, UpdateUserStatusRequest } from '../../../proto/gen/user_service.ts';
import type { Answer } from './raw-call.ts';
import { PLATFORM_TOKEN, READER_TOKEN, startRig, USER_TOKEN } from './rig.ts';

const VALIDATE = '/perfect21.auth.AuthService/ValidateToken';
const CREDENTIALS = '/perfect21.auth.AuthService/ValidateCredentials';
const REFRESH = '/perfect21.auth.AuthService/RefreshToken';
const GET_USER = '/perfect21.user.UserService/GetUser';
const SET_STATUS = '/perfect21.user.UserService/UpdateUserStatus';

let rig: Awaited<ReturnType<typeof startRig>>;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const detailsOf = (answer: Answer) => {
  const rich = Status.decode(answer.trailers.get('grpc-status-details-bin')[0] as Buffer);
  const part = (name: string) =>
    rich.details!.find(({ type_url }) => type_url === `type.googleapis.com/google.rpc.${name}`)!;
  return { rich, part };
};
const token = (value: string) => ValidateTokenRequest.encode({ token: value }).finish();
const user = (request: GetUserRequest) => GetUserRequest.encode(request).finish();

describe('a method of proto/', () => {
  test('reaches its operation, absent fields left out and required ones kept', async () => {
    const answer = await rig.call(VALIDATE, ValidateTokenRequest.encode({ token: '', user_agent: 'a' }).finish());
    expect(answer.code).toBe(0);
    const { valid, user_id, expires_at, warnings } = ValidateTokenResponse.decode(answer.message!);
    expect({ valid, user_id, expires_at }).toEqual({ valid: true, user_id: 'u1', expires_at: 1_900_000_000 });
    expect(JSON.parse(warnings![0]!)).toEqual({ token: '', user_agent: 'a', device_info: {} });
  });

  test('keeps a map and survives hostile keys in it', async () => {
    const message = ValidateTokenRequest.encode({ token: 't', device_info: { os: 'x', ['__proto__']: 'y' } }).finish();
    const answer = await rig.call(VALIDATE, message);
    expect(JSON.parse(ValidateTokenResponse.decode(answer.message!).warnings![0]!).device_info).toMatchObject({
      os: 'x',
    });
    expect(({} as any).os).toBeUndefined();
  });

  test('answers with its mapping of the output', async () => {
    const answer = await rig.call(GET_USER, user({ user_id: 'u7' }), { token: READER_TOKEN });
    expect(GetUserResponse.decode(answer.message!).user).toMatchObject({ id: 'u7', created_at: 1_700_000_000 });
  });

  test('answers a declared failure in the message', async () => {
    const message = ValidateCredentialsRequest.encode({ identifier: 'a', password: 'b' }).finish();
    const answer = await rig.call(CREDENTIALS, message, { token: READER_TOKEN });
    expect(answer.code).toBe(0);
    expect(ValidateCredentialsResponse.decode(answer.message!)).toMatchObject({
      valid: false,
      error_message: 'invalid_credentials',
    });
  });

  test.each([
    '/perfect21.auth.AuthService/RevokeToken',
    '/perfect21.permission.PermissionService/CheckPermission',
    '/perfect21.auth.AuthService/NoSuchMethod',
    '/no.such.Service/Method',
    '/',
  ])('without an operation answers UNIMPLEMENTED: %s', async (path) => {
    expect((await rig.call(path, token('t'), { token: PLATFORM_TOKEN })).code).toBe(status.UNIMPLEMENTED);
  });
});

describe('an error', () => {
  test('of validation is INVALID_ARGUMENT with readable field violations', async () => {
    const answer = await rig.call(GET_USER, user({ user_id: 'far too long an id', fields: ['nonsense'] }), {
      token: READER_TOKEN,
    });
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
    const { rich, part } = detailsOf(answer);
    expect(rich.code).toBe(status.INVALID_ARGUMENT);
    expect(ErrorInfo.decode(part('ErrorInfo').value!)).toMatchObject({
      reason: 'invalid_request',
      domain: 'perfect21',
    });
    const fields = BadRequest.decode(part('BadRequest').value!).field_violations!.map(({ field }) => field);
    expect(fields).toEqual(['user_id', 'fields.0']);
  });

  test('of an operation keeps its code, and its detail as the message', async () => {
    const answer = await rig.call(GET_USER, user({ user_id: 'none' }), { token: READER_TOKEN });
    expect(answer).toMatchObject({ code: status.NOT_FOUND, details: 'No user has this id' });
    expect(ErrorInfo.decode(detailsOf(answer).part('ErrorInfo').value!).reason).toBe('not_found');
  });

  test('says when to come back', async () => {
    const message = ValidateCredentialsRequest.encode({ identifier: 'flood', password: 'b' }).finish();
    const answer = await rig.call(CREDENTIALS, message, { token: READER_TOKEN });
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(RetryInfo.decode(detailsOf(answer).part('RetryInfo').value!).retry_delay!.seconds).toBe(7);
  });

  test('that nobody foresaw is INTERNAL, its cause in the log only', async () => {
    const answer = await rig.call(GET_USER, user({ user_id: 'bug' }), { token: READER_TOKEN });
    expect(answer.code).toBe(status.INTERNAL);
    expect(JSON.stringify([answer.details, answer.trailers.toJSON()])).not.toContain('secret cause');
    expect(detailsOf(answer).rich.message).not.toContain('secret cause');
    expect(rig.logged.at(-1)).toMatchObject({
      code: 'operation.failed',
      fields: { operation: 'users.get-user', code: 'internal', cause: { message: 'secret cause' } },
    });
  });
});

describe('access', () => {
  test('to ValidateToken needs no credential on loopback', async () => {
    expect((await rig.call(VALIDATE, token('t'))).code).toBe(0);
  });

  test.each([REFRESH, CREDENTIALS, GET_USER, SET_STATUS])(
    'to %s without a credential is UNAUTHENTICATED',
    async (path) => {
      expect((await rig.call(path, token('t'))).code).toBe(status.UNAUTHENTICATED);
    },
  );

  test.each(['Bearer p21s_wrong', 'Bearer nonsense', 'Basic eA==', 'Bearer', ''])(
    'with the authorization "%s" is UNAUTHENTICATED',
    async (authorization) => {
      expect((await rig.call(REFRESH, token('t'), { metadata: { authorization } })).code).toBe(status.UNAUTHENTICATED);
    },
  );

  test("with a user's token is PERMISSION_DENIED, whatever the user may do", async () => {
    expect((await rig.call(GET_USER, user({ user_id: 'u' }), { token: USER_TOKEN })).code).toBe(
      status.PERMISSION_DENIED,
    );
    expect((await rig.call(REFRESH, token('t'), { token: USER_TOKEN })).code).toBe(status.PERMISSION_DENIED);
  });

  test('of a service goes as far as its permissions', async () => {
    const change = UpdateUserStatusRequest.encode({ user_id: 'u', status: 1 }).finish();
    expect((await rig.call(REFRESH, token('t'), { token: READER_TOKEN })).code).toBe(0);
    expect((await rig.call(GET_USER, user({ user_id: 'u' }), { token: READER_TOKEN })).code).toBe(0);
    expect((await rig.call(SET_STATUS, change, { token: READER_TOKEN })).code).toBe(status.PERMISSION_DENIED);
    expect((await rig.call(SET_STATUS, change, { token: PLATFORM_TOKEN })).code).toBe(0);
  });
});

describe('a call', () => {
  test('keeps its request id and its trace, and says the id in the answer', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await rig.call(VALIDATE, token('t'), {
      metadata: { 'x-request-id': 'abc-1', traceparent },
      deadline: 2_000,
    });
    expect(answer.headers.get('x-request-id')).toEqual(['abc-1']);
    const context = rig.contexts.at(-1);
    expect(context).toMatchObject({ request_id: 'abc-1', door: 'grpc', client: { ip: '127.0.0.1' } });
    expect(context.trace).toMatchObject({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      parent_id: 'b7ad6b7169203331',
    });
    expect(context.deadline).toBeGreaterThan(Date.now());
    expect(context.deadline).toBeLessThan(Date.now() + 2_100);
  });

  test('gets a request id when it brings none, or none that is usable; errors carry it as well', async () => {
    expect((await rig.call(VALIDATE, token('t'))).headers.get('x-request-id')[0]).toMatch(/^id-\d+$/);
    const bad = await rig.call(VALIDATE, token('t'), { metadata: { 'x-request-id': 'a b;c' } });
    expect(bad.headers.get('x-request-id')[0]).toMatch(/^id-\d+$/);
    const refused = await rig.call(REFRESH, token('t'), { metadata: { 'x-request-id': 'abc-2' } });
    expect(refused.headers.get('x-request-id')).toEqual(['abc-2']);
  });

  test('is counted by method and status', async () => {
    await rig.call(VALIDATE, token('t'));
    const endpoint = { name: 'perfect21_requests_total', service: 'auth-service', method: 'gRPC', endpoint: VALIDATE };
    expect(rig.counted.at(-1)).toEqual({ ...endpoint, status: 'OK' });
    await rig.call(VALIDATE, Buffer.from('ff', 'hex'));
    expect(rig.counted.at(-1)).toEqual({ ...endpoint, status: 'INVALID_ARGUMENT' });
  });

  test('ends with DEADLINE_EXCEEDED when its deadline passes', async () => {
    const answer = await rig.call('/perfect21.internal.sessions/wait', Buffer.from('{}'), {
      token: PLATFORM_TOKEN,
      deadline: 100,
    });
    expect(answer.code).toBe(status.DEADLINE_EXCEEDED);
  });
});
