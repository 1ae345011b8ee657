/** Operations small enough to see through, each for one promise of the door. */
import * as z from 'zod';
import { AppError } from '../../../shared/kit/errors.ts';
import { eventType } from '../../../shared/kit/event.ts';
import { operation } from '../../../shared/kit/operation.ts';

const happened = eventType({ type: 'test.happened', key: 'test.events.happened', data: z.strictObject({}) });

/** Operations by the methods that they answer. */
export const operations = (rig: { contexts: any[]; wait: () => Promise<void> }) => {
  const validateToken = operation({
    name: 'auth.validate-token',
    summary: 'Echoes what it understood',
    rpc: { method: 'perfect21.auth.AuthService/ValidateToken' },
    access: 'public',
    input: z.strictObject({
      token: z.string(),
      client_ip: z.string().max(64).optional(),
      user_agent: z.string().optional(),
      device_info: z.record(z.string(), z.string()).default({}),
    }),
    output: z.object({
      valid: z.boolean(),
      user_id: z.string(),
      expires_at: z.number(),
      warnings: z.array(z.string()),
    }),
    run: (_, input, context) => {
      rig.contexts.push(context);
      return { valid: true, user_id: 'u1', expires_at: 1_900_000_000, warnings: [JSON.stringify(input)] };
    },
  });
  const validateCredentials = operation({
    name: 'auth.validate-credentials',
    summary: 'A wrong password is an answer',
    rpc: {
      method: 'perfect21.auth.AuthService/ValidateCredentials',
      failure: (code) => (code === 'invalid_credentials' ? { valid: false, error_message: code } : undefined),
    },
    access: 'service',
    errors: ['invalid_credentials', 'too_many_requests'],
    input: z.object({ identifier: z.string(), password: z.string() }),
    output: z.object({ valid: z.boolean() }),
    run: (_, { identifier }) => {
      if (identifier === 'flood') throw new AppError('too_many_requests', { retry_after: 7 });
      throw new AppError('invalid_credentials');
    },
  });
  const refresh = operation({
    name: 'auth.refresh',
    summary: 'Public over HTTP, for services over gRPC',
    rpc: { method: 'perfect21.auth.AuthService/RefreshToken' },
    access: 'public',
    input: z.object({ refresh_token: z.string() }),
    output: z.object({ access_token: z.string() }),
    run: () => ({ access_token: 'new' }),
  });
  const getUser = operation({
    name: 'users.get-user',
    summary: 'Wants a permission',
    rpc: { method: 'perfect21.user.UserService/GetUser', response: (user) => ({ user }) },
    access: 'users:read',
    errors: ['not_found'],
    input: z
      .strictObject({ user_id: z.string().max(8), email: z.email() })
      .partial()
      .extend({ fields: z.array(z.enum(['id', 'email'])).optional() }),
    output: z.object({ id: z.string(), created_at: z.number() }),
    run: (_, { user_id }, context) => {
      rig.contexts.push(context);
      if (user_id === 'none') throw new AppError('not_found', { detail: 'No user has this id' });
      if (user_id === 'bug') throw new Error('secret cause');
      return { id: user_id ?? '', created_at: 1_700_000_000 };
    },
  });
  const setStatus = operation({
    name: 'users.set-status',
    summary: 'Wants another permission',
    rpc: { method: 'perfect21.user.UserService/UpdateUserStatus', response: () => ({}) },
    access: 'users:write',
    input: z.object({ user_id: z.string(), status: z.number() }),
    output: z.object({}),
    run: () => ({}),
  });
  const wait = operation({
    name: 'sessions.wait',
    summary: 'Answers when told to',
    access: 'service',
    input: z.object({}),
    output: z.object({ waited: z.boolean() }),
    run: async () => {
      await rig.wait();
      return { waited: true };
    },
  });
  const read = operation({
    name: 'sessions.read',
    summary: 'Only reads',
    access: 'service',
    input: z.strictObject({ id: z.string().min(2), list: z.array(z.number()).optional() }),
    output: z.object({ id: z.string(), nothing: z.string().optional() }),
    errors: ['conflict', 'already_exists'],
    run: (_, { id }, context) => {
      rig.contexts.push(context);
      if (id === 'taken') throw new AppError('already_exists', { detail: 'Taken', retry_after: 3 });
      if (id === 'away') throw new AppError('unavailable');
      return { id };
    },
  });
  const change = operation({
    name: 'sessions.change',
    summary: 'Has an effect',
    access: 'service',
    input: z.object({}),
    output: z.undefined(),
    emits: [happened],
    run: (_, __, context) => {
      rig.contexts.push(context);
      throw new AppError('unavailable');
    },
  });
  return { validateToken, validateCredentials, refresh, getUser, setStatus, wait, read, change };
};
