/**
 * The door of a Lambda authorizer (API Gateway HTTP API, payload format 2.0, simple responses): for whoever wants a gate in
 * front of the functions, or of others. It has to be asked each time: a cached answer outlives a revocation.
 */
import type { Context as LambdaContext } from 'aws-lambda';
import { authorizeRequest } from '../../../functions/sidecar/authorize-request.ts';
import { ANONYMOUS } from '../../kit/context.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import { hostPorts } from '../../kit/reach.ts';
import { continueTrace } from '../../kit/trace.ts';
import { type Choose, container } from './container.ts';
import { lowerCaseHeaders } from './http.ts';
import { stack } from './lambda.ts';

export interface Authorized {
  isAuthorized: boolean;
  /** For the functions behind it; API Gateway takes texts, numbers and truth values. */
  context: Readonly<Record<string, string | number>>;
}

/** Answers one event. What can't be known is no permission. @throws TypeError for an event of another kind */
export const authorize = async (host: Host, event: unknown, requestId: string): Promise<Authorized> => {
  const { version, type, headers } = (event ?? {}) as { version?: unknown; type?: unknown; headers?: object };
  if (version !== '2.0' || type !== 'REQUEST')
    throw new TypeError('the authorizer takes requests of an HTTP API, payload format 2.0, and nothing else');
  const { authorization } = lowerCaseHeaders((headers ?? {}) as Record<string, string>);
  const input = { authorization: authorization === undefined ? [] : [authorization] };
  const context = {
    request_id: requestId,
    trace: continueTrace(),
    caller: ANONYMOUS,
    client: {},
    door: 'lambda' as const,
  };
  const verdict = await invoke(host, authorizeRequest, input, context);
  if (verdict.outcome !== 'allowed') return { isAuthorized: false, context: { error: verdict.error } };
  const { user_id, session_id, roles, permissions, expires_at } = verdict;
  return {
    isAuthorized: true,
    context: { user_id, session_id, roles: roles.join(','), permissions: permissions.join(','), expires_at },
  };
};

/** The handler. @example export const handler = await opened(lambdaAuthorizer(({ store }) => [systemClock, …])); */
export const lambdaAuthorizer = (choose: Choose) => {
  const open = container([...hostPorts(authorizeRequest), 'metrics'], choose);
  const stacked = stack('sidecar', async (event: unknown, context: LambdaContext) =>
    authorize(await open(), event, context.awsRequestId),
  );
  return Object.assign(stacked, { open });
};
