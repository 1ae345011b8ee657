import { Client, credentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { platform } from '../../../functions/index.ts';
import { ValidateTokenResponse } from '../../../proto/gen/auth_service.ts';
import { startGrpc } from '../../../shared/doors/grpc/grpc.ts';
import { METHODS, protoCodec } from '../../../shared/grpc/message.ts';
import { isStream } from '../../../shared/kit/stream.ts';
import { rawCall } from './raw-call.ts';
import { startRig } from './rig.ts';

const methods = platform
  .flatMap((service) => service.operations)
  .flatMap((op) => op.rpc.map((rpc) => [rpc.method, op, rpc] as const));

/** A value for every field that any request has; an encoder takes those of its message. */
const EVERYTHING = {
  token: 't',
  tokens: ['t'],
  refresh_token: 'r',
  token_type_hint: 'access_token',
  reason: 'why',
  identifier: 'ada@example.org',
  password: 'violet tractors hum quietly',
  mfa_code: '123456',
  client_ip: '203.0.113.9',
  ip_address: '203.0.113.9',
  user_agent: 'agent/1',
  device_info: { os: 'x' },
  location: { country: 'CH' },
  context: { ip: '203.0.113.9' },
  user_id: '01a0',
  user_ids: ['01a0'],
  fields: ['id'],
  status: 1,
  login_successful: true,
  failure_reason: 'none',
  mfa_used: true,
  risk_score: 0.5,
  resource: 'document',
  action: 'read',
  scope: 'own',
  checks: [{ user_id: '01a0', resource: 'document', action: 'read', scope: 'own', context: { ip: 'x' } }],
};

test.each(methods)(
  '%s accepts its message with every field set, and with only the required ones',
  (method, op, rpc) => {
    const { requestSerialize } = METHODS.get(method) as unknown as { requestSerialize(message: object): Buffer };
    const codec = protoCodec(op, rpc)!;
    const schema = isStream(op.input) ? op.input.row : op.input;
    const email = isStream(op.input) ? { email: 'ada@example.org' } : {};
    const full = schema.safeParse(codec.decode(requestSerialize({ ...EVERYTHING, ...email })));
    expect(full.error?.issues).toBeUndefined();
    const empty = schema.safeParse(codec.decode(Buffer.alloc(0)));
    const unknown = empty.error?.issues.filter(({ code }: { code: string }) => code === 'unrecognized_keys') ?? [];
    expect(unknown).toEqual([]);
  },
);

test('the whole table stands behind the door', async () => {
  await using rig = await startRig();
  const door = await startGrpc(rig.host, platform, { port: 0 });
  const client = new Client(`127.0.0.1:${door.port}`, credentials.createInsecure());
  const answer = await rawCall(client, '/perfect21.auth.AuthService/ValidateToken', Buffer.from('0a0178', 'hex'));
  expect(ValidateTokenResponse.decode(answer.message!)).toMatchObject({ valid: false, error_message: 'malformed' });
  client.close();
  await door.stop();
});
