import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import * as auth from '../../../proto/gen/auth_service.ts';
import * as permission from '../../../proto/gen/permission_service.ts';
import * as user from '../../../proto/gen/user_service.ts';

/**
 * The contract, written down a second time and by hand: message → fields with number and kind. s string, S strings,
 * b bool, i integer, d double, e enum, m map; a message name in angle brackets, starred when repeated.
 */
const CONTRACT: Record<string, string> = {
  'auth.ValidateTokenRequest': 'token=1s client_ip=2s user_agent=3s device_info=4m',
  'auth.ValidateTokenResponse': 'valid=1b user_id=2s permissions=3S expires_at=4i error_message=5s warnings=6S',
  'auth.TokenClaims': 'user_id=1s permissions=2S roles=3S issued_at=4i expires_at=5i jti=6s',
  'auth.RefreshTokenRequest': 'refresh_token=1s client_ip=2s user_agent=3s device_info=4m',
  'auth.RefreshTokenResponse': 'access_token=1s refresh_token=2s expires_at=3i error_message=4s',
  'auth.RevokeTokenRequest': 'token=1s token_type_hint=2s reason=3s',
  'auth.RevokeTokenResponse': 'revoked=1b error_message=2s',
  'auth.ValidateCredentialsRequest': 'identifier=1s password=2s client_ip=3s user_agent=4s mfa_code=5s device_info=6m',
  'auth.ValidateCredentialsResponse': 'valid=1b user_id=2s mfa_required=3b error_message=4s warnings=5S',
  'auth.BatchValidateTokensRequest': 'tokens=1S',
  'auth.BatchValidateTokensResponse': 'results=1<auth.ValidateTokenResponse>*',
  'user.GetUserRequest': 'user_id=1s fields=4S',
  'user.GetUserResponse': 'user=1<user.User> error_message=2s',
  'user.User':
    'id=1s email=2s username=3s first_name=4s last_name=5s phone_number=6s status=7e is_active=8b is_verified=9b mfa_enabled=10b created_at=11i last_login_at=12i profile=13m',
  'user.BatchGetUsersRequest': 'user_ids=1S fields=2S',
  'user.BatchGetUsersResponse': 'users=1<user.User>* not_found=2S',
  'user.VerifyPasswordRequest': 'user_id=1s password=2s',
  'user.VerifyPasswordResponse': 'valid=1b error_message=2s',
  'user.UpdateUserStatusRequest': 'user_id=1s status=2e reason=3s',
  'user.UpdateUserStatusResponse': 'user=1<user.User> error_message=2s',
  'user.RecordLoginHistoryRequest':
    'user_id=1s ip_address=2s user_agent=3s login_successful=4b failure_reason=5s location=6m mfa_used=7b risk_score=8d',
  'user.RecordLoginHistoryResponse': 'record_id=1s error_message=2s',
  'permission.CheckPermissionRequest': 'user_id=1s resource=2s action=3s scope=4s context=5m',
  'permission.CheckPermissionResponse': 'allowed=1b reason=2s applied_policies=3S',
  'permission.Permission': 'id=1s resource=2s action=3s scope=4s name=5s description=6s',
  'permission.Role': 'id=1s name=2s display_name=3s description=4s priority=5i permissions=6<permission.Permission>*',
  'permission.BatchCheckPermissionsRequest': 'checks=1<permission.CheckPermissionRequest>*',
  'permission.BatchCheckPermissionsResponse': 'results=1<permission.CheckPermissionResponse>*',
  'permission.GetUserPermissionsRequest': 'user_id=1s resource=2s',
  'permission.GetUserPermissionsResponse': 'permissions=1<permission.Permission>*',
  'permission.GetUserRolesRequest': 'user_id=1s',
  'permission.GetUserRolesResponse': 'roles=1<permission.Role>*',
};

interface Field {
  name: string;
  number: number;
  kind: string;
  message?: string;
}

const fieldsOf = (message: string): Field[] =>
  CONTRACT[message]!.split(' ').map((text) => {
    const [, name, number, kind, inner, star] = /^(\w+)=(\d+)(?:([sSbidem])|<([\w.]+)>(\*?))$/.exec(text)!;
    return { name: name!, number: Number(number), kind: kind ?? (star ? 'M' : 'o'), message: inner };
  });

const generated: Record<string, any> = { auth, user, permission };
const codec = (message: string) => {
  const [pkg, name] = message.split('.');
  return generated[pkg!]![name!];
};

/** A value for each field that differs from every other and from its default. */
const sample = ({ name, number, kind, message }: Field): unknown => {
  switch (kind) {
    case 's':
      return `${name} é 中`;
    case 'S':
      return [`${name} 1`, `${name} 2`];
    case 'b':
      return true;
    case 'i':
      return 1_900_000_000 + number;
    case 'd':
      return 0.25;
    case 'e':
      return 3;
    case 'm':
      return { key: `${name} value` };
    case 'o':
      return sampleOf(message!);
    default:
      return [sampleOf(message!), sampleOf(message!)];
  }
};
const sampleOf = (message: string): object =>
  Object.fromEntries(fieldsOf(message).map((field) => [field.name, sample(field)]));

/** Knows nothing of the messages: field number → what stands there. */
const readWire = (bytes: Uint8Array): Map<number, (Uint8Array | number)[]> => {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const value =
      type === WireType.Varint
        ? Number(reader.uint64())
        : type === WireType.Bit64
          ? reader.double()
          : type === WireType.LengthDelimited
            ? reader.bytes()
            : Number.NaN;
    found.set(number, [...(found.get(number) ?? []), value]);
  }
  return found;
};

const text = (value: unknown) => Buffer.from(value as Uint8Array).toString('utf8');
const expectWire = (message: string, bytes: Uint8Array): void => {
  const found = readWire(bytes);
  const fields = fieldsOf(message);
  expect([...found.keys()].sort((a, b) => a - b)).toEqual(fields.map(({ number }) => number));
  for (const field of fields) {
    const values = found.get(field.number)!;
    const expected = sample(field);
    if (field.kind === 's') expect(values.map(text)).toEqual([expected]);
    else if (field.kind === 'S') expect(values.map(text)).toEqual(expected);
    else if (field.kind === 'b') expect(values).toEqual([1]);
    else if ('ide'.includes(field.kind)) expect(values).toEqual([expected]);
    else if (field.kind === 'm') {
      const entry = readWire(values[0] as Uint8Array);
      expect([text(entry.get(1)![0]), text(entry.get(2)![0])]).toEqual(['key', `${field.name} value`]);
    } else for (const value of values) expectWire(field.message!, value as Uint8Array);
  }
};

describe('on the wire', () => {
  test.each(Object.keys(CONTRACT))('%s has the fields and numbers of the contract', (message) => {
    const bytes: Uint8Array = codec(message).encode(sampleOf(message)).finish();
    expectWire(message, bytes);
    expect(codec(message).decode(bytes)).toMatchObject(sampleOf(message));
  });

  test('the known bytes of a token request and its answer stay as they are', () => {
    const request = auth.ValidateTokenRequest.encode({
      token: 'abc',
      client_ip: '::1',
      device_info: { os: 'x' },
    }).finish();
    expect(Buffer.from(request).toString('hex')).toBe('0a0361626312033a3a3122070a026f73120178');
    const response = auth.ValidateTokenResponse.encode({
      valid: true,
      user_id: 'u',
      permissions: ['a:b:c'],
      expires_at: 300,
    });
    expect(Buffer.from(response.finish()).toString('hex')).toBe('08011201751a05613a623a6320ac02');
  });

  test('the three ways to name a user exclude each other', () => {
    const by = (request: user.GetUserRequest) => [...readWire(user.GetUserRequest.encode(request).finish()).keys()];
    expect([by({ user_id: 'a' }), by({ email: 'a' }), by({ username: 'a' })]).toEqual([[1], [2], [3]]);
  });

  test('the statuses of a user keep their numbers', () => {
    expect(user.UserStatus).toEqual({ PENDING_VERIFICATION: 0, ACTIVE: 1, LOCKED: 2, SUSPENDED: 3, DELETED: 4 });
  });

  test('the methods keep their paths', () => {
    const paths = [auth.AuthServiceService, user.UserServiceService, permission.PermissionServiceService].flatMap(
      (service) => Object.values(service).map(({ path }) => path),
    );
    expect(paths).toEqual([
      '/perfect21.auth.AuthService/ValidateToken',
      '/perfect21.auth.AuthService/RefreshToken',
      '/perfect21.auth.AuthService/RevokeToken',
      '/perfect21.auth.AuthService/ValidateCredentials',
      '/perfect21.auth.AuthService/BatchValidateTokens',
      '/perfect21.user.UserService/GetUser',
      '/perfect21.user.UserService/BatchGetUsers',
      '/perfect21.user.UserService/VerifyPassword',
      '/perfect21.user.UserService/UpdateUserStatus',
      '/perfect21.user.UserService/RecordLoginHistory',
      '/perfect21.permission.PermissionService/CheckPermission',
      '/perfect21.permission.PermissionService/BatchCheckPermissions',
      '/perfect21.permission.PermissionService/GetUserPermissions',
      '/perfect21.permission.PermissionService/GetUserRoles',
    ]);
  });
});
